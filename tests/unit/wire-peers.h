// The two ends of a socket for tests: a thread that serves a main context, a scripted peer, and
// plain blocking bytes.
#pragma once

#include <functional>
#include <gio/gio.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

#include "thrift/listener.h"

namespace peers
{
using std::string;

inline gint64
in_ms(gint64 ms)
{
  return g_get_monotonic_time() + ms * 1000;
}

// A directory for sockets, gone at the end.
class Directory
{
public:
  Directory()
  {
    g_autofree char *made = g_dir_make_tmp("wire-XXXXXX", nullptr);
    path_ = made;
  }
  ~Directory()
  {
    g_autoptr(GDir) dir = g_dir_open(path_.c_str(), 0, nullptr);
    for (const char *name; dir != nullptr && (name = g_dir_read_name(dir)) != nullptr;)
      g_unlink((path_ + "/" + name).c_str());
    g_rmdir(path_.c_str());
  }
  string file(const string &name) const
  {
    return path_ + "/" + name;
  }

private:
  string path_;
};

// Runs a main context in a thread of its own.
class Loop
{
public:
  Loop() : context_(g_main_context_new()), loop_(g_main_loop_new(context_, FALSE))
  {
    thread_ = std::thread([this] { g_main_loop_run(loop_); });
  }
  ~Loop()
  {
    run([this] { g_main_loop_quit(loop_); });
    thread_.join();
    g_main_loop_unref(loop_);
    g_main_context_unref(context_);
  }
  GMainContext *context()
  {
    return context_;
  }
  // Has @what done in the loop's thread, and waits for it.
  void run(std::function<void()> what)
  {
    struct Job {
      std::function<void()> what;
      GMutex mutex;
      GCond cond;
      bool done;
    } job{std::move(what), {}, {}, false};
    g_main_context_invoke_full(
        context_, G_PRIORITY_DEFAULT,
        [](gpointer data) {
          auto *mine = static_cast<Job *>(data);
          mine->what();
          g_mutex_lock(&mine->mutex);
          mine->done = true;
          g_cond_signal(&mine->cond);
          g_mutex_unlock(&mine->mutex);
          return FALSE;
        },
        &job, nullptr);
    g_mutex_lock(&job.mutex);
    while (!job.done)
      g_cond_wait(&job.cond, &job.mutex);
    g_mutex_unlock(&job.mutex);
  }

private:
  GMainContext *context_;
  GMainLoop *loop_;
  std::thread thread_;
};

inline int
connect_to(const string &path)
{
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  g_strlcpy(address.sun_path, path.c_str(), sizeof address.sun_path);
  if (fd >= 0 && connect(fd, reinterpret_cast<sockaddr *>(&address), sizeof address) != 0) {
    close(fd);
    return -1;
  }
  const timeval limit{20, 0}; // a test that hangs fails
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  return fd;
}

inline bool
send_all(int fd, const string &bytes)
{
  for (size_t sent = 0; sent < bytes.size();) {
    const ssize_t now = send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (now <= 0)
      return false;
    sent += static_cast<size_t>(now);
  }
  return true;
}

// Up to @count bytes; fewer when the peer ends before.
inline string
receive(int fd, size_t count)
{
  string out(count, '\0');
  size_t got = 0;
  while (got < count) {
    const ssize_t now = recv(fd, &out[got], count - got, 0);
    if (now <= 0)
      break;
    got += static_cast<size_t>(now);
  }
  out.resize(got);
  return out;
}

// Accepts one connection and does with it what the test says, in a thread of its own.
class Scripted
{
public:
  Scripted(const string &path, std::function<void(int)> script)
      : listener_(wire_listener_new(path.c_str(), nullptr))
  {
    thread_ = std::thread([this, script = std::move(script)] {
      g_socket_set_blocking(wire_listener_socket(listener_), TRUE);
      g_autoptr(GSocket) peer = wire_listener_accept(listener_, nullptr);
      if (peer != nullptr) {
        const int fd = g_socket_get_fd(peer);
        g_unix_set_fd_nonblocking(fd, FALSE, nullptr); // GSocket's own never blocks
        script(fd);
      }
    });
  }
  ~Scripted()
  {
    thread_.join();
    wire_listener_free(listener_);
  }

private:
  WireListener *listener_;
  std::thread thread_;
};
} // namespace peers
