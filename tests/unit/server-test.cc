#include "thrift/server.h"

#include <atomic>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <vector>

#include "tests/check-message.h"
#include "tests/stand-in/calls.h"
#include "thrift/call-arguments.h"
#include "thrift/listener.h"
#include "thrift/reply.h"
#include "thrift/types.h"
#include "wire-bytes.h"
#include "wire-peers.h"

using namespace bytes;
using namespace peers;

namespace
{
const string PING = call("ping", "");
const string SLICE(100, 's');
const string PONG = reply("ping", field(STRUCT, 0, status(0, "OK", 0)));

class Server : public ::testing::Test
{
protected:
  static void SetUpTestSuite()
  {
    wire_init();
  }
  void SetUp() override
  {
    loop_.run([this] {
      g_autoptr(GError) error = nullptr;
      server_ = wire_server_new(path_.c_str(), loop_.context(), handle, this, &error);
      ASSERT_NE(server_, nullptr) << error->message;
    });
    limit({16, 60 * G_TIME_SPAN_SECOND, 60 * G_TIME_SPAN_SECOND, 60 * G_TIME_SPAN_SECOND, 4});
  }
  void TearDown() override
  {
    loop_.run([this] { wire_server_free(server_); });
    for (const int fd : open_)
      close(fd);
  }
  void limit(const WireLimits &limits)
  {
    loop_.run([&] { wire_server_set_limits(server_, &limits); });
  }
  int client()
  {
    open_.push_back(connect_to(path_));
    EXPECT_GE(open_.back(), 0);
    return open_.back();
  }
  void hang_up(int fd)
  {
    close(fd);
    open_.erase(std::find(open_.begin(), open_.end(), fd));
  }
  // By the other side; not by the deadline of a read.
  static bool is_closed(int fd)
  {
    char byte;
    return recv(fd, &byte, 1, 0) == 0;
  }
  bool pings()
  {
    const int fd = client();
    return send_all(fd, PING) && receive(fd, PONG.size()) == PONG;
  }
  // What osquery does with an extension.
  static void handle(const WireMessage *message, const guint8 *bytes, GByteArray *reply,
                     WireRest *rest, gpointer user_data)
  {
    auto *self = static_cast<Server *>(user_data);
    self->handled_++;
    const string method = message->method;
    if (method == "ping") {
      wire_reply_status(reply, message, 0, "OK", 0);
    } else if (method == "call") { // as many rows as the item says
      g_auto(WireCallArguments) arguments = {};
      ASSERT_TRUE(wire_call_arguments_read(bytes, message, &arguments, nullptr));
      WireRows rows;
      wire_rows_begin(&rows, reply, message);
      const string value(1000, 'x');
      for (int i = 0; i < atoi(arguments.item); i++) {
        wire_rows_row(&rows);
        wire_rows_value(&rows, "column", value.data(), value.size());
      }
      wire_rows_end(&rows);
    } else if (method == "query") { // as many slices as are asked for
      auto *rest_of =
          new Slices{self, atoi(reinterpret_cast<const char *>(bytes) + message->size - 7)};
      *rest = {next, free_rest, rest_of};
    } else if (!message->known) {
      wire_reply_unknown_method(reply, message);
    } // shutdown: nothing
  }
  static string rows(int n)
  {
    return call("call", field(STRING, 2, text(std::to_string(n))));
  }

  struct Slices {
    Server *self;
    int left;
    bool begun = false;
  };
  static gboolean next(gpointer data, GByteArray *reply)
  {
    auto *slices = static_cast<Slices *>(data);
    Server *self = slices->self;
    if (!slices->begun)
      self->most_begun_ = std::max<int>(self->most_begun_, ++self->begun_);
    slices->begun = true;
    g_usleep(5000);
    const gint64 most = in_ms(60000); // a test that hangs fails
    while (self->breathless_ && g_get_monotonic_time() < most) {
      wire_server_breathe(self->server_);
      g_usleep(2000);
    }
    self->made_++;
    g_byte_array_append(reply, reinterpret_cast<const guint8 *>(SLICE.data()), (guint)SLICE.size());
    return --slices->left > 0;
  }
  static void free_rest(gpointer data)
  {
    auto *slices = static_cast<Slices *>(data);
    slices->self->begun_ -= slices->begun;
    slices->self->freed_++;
    delete slices;
  }
  // The number stands right before the two bytes that end the message.
  static string slices(int n)
  {
    g_autofree char *number = g_strdup_printf("%06d", n);
    return call("query", field(STRING, 1, text(number)));
  }

  Directory directory_;
  string path_ = directory_.file("server");
  Loop loop_;
  WireServer *server_ = nullptr;
  std::vector<int> open_;
  std::atomic<int> handled_{0}, made_{0}, begun_{0}, most_begun_{0}, freed_{0};
  std::atomic<bool> breathless_{false}; // no slice ends as long as this is set
};

TEST_F(Server, AnswersOurClient)
{
  const WirePeer to = {path_.c_str(), in_ms(20000), nullptr, nullptr};
  g_autoptr(GError) error = nullptr;
  EXPECT_TRUE(stand_ping(&to, &error)) << error->message;
  g_autoptr(GHashTable) request = g_hash_table_new(g_str_hash, g_str_equal);
  g_autoptr(GPtrArray) got = stand_call(&to, "table", "3", request, &error);
  ASSERT_NE(got, nullptr) << error->message;
  EXPECT_EQ(got->len, 3u);
}

TEST_F(Server, AnswersOneAfterAnotherOnOneConnection)
{
  const int fd = client();
  for (int i = 0; i < 3; i++) {
    ASSERT_TRUE(send_all(fd, PING));
    ASSERT_EQ(receive(fd, PONG.size()), PONG);
  }
}

TEST_F(Server, AnswersWhatComesInPieces)
{
  const int fd = client();
  for (const char byte : PING)
    ASSERT_TRUE(send_all(fd, string(1, byte)));
  EXPECT_EQ(receive(fd, PONG.size()), PONG);
}

TEST_F(Server, AnswersAFloodInOrder)
{
  const int n = 2000;
  const int fd = client();
  std::thread sender([&] { send_all(fd, repeat(PING, n)); });
  EXPECT_EQ(receive(fd, PONG.size() * n), repeat(PONG, n));
  sender.join();
}

TEST_F(Server, AnswersAClientThatHasClosedItsEnd)
{
  const int fd = client();
  ASSERT_TRUE(send_all(fd, PING + PING));
  shutdown(fd, SHUT_WR);
  EXPECT_EQ(receive(fd, 1 << 20), PONG + PONG);
}

TEST_F(Server, SendsLargeReplies)
{
  const int fd = client();
  ASSERT_TRUE(send_all(fd, rows(20000) + PING));
  const string row = map(STRING, STRING, 1, text("column") + text(string(1000, 'x')));
  const string expected =
      reply("call", field(STRUCT, 0, response(list(MAP, 20000, repeat(row, 20000))))) + PONG;
  EXPECT_TRUE(receive(fd, expected.size()) == expected);
}

TEST_F(Server, RepliesThatTakeLongHoldUpNobody)
{
  const int slowest = client();
  ASSERT_TRUE(send_all(slowest, slices(100000))); // 500 s
  const int slow = client();
  ASSERT_TRUE(send_all(slow, slices(100) + PING));
  for (int i = 0; i < 10; i++)
    ASSERT_TRUE(pings());
  EXPECT_EQ(receive(slow, 100 * SLICE.size()), repeat(SLICE, 100));
  EXPECT_EQ(receive(slow, PONG.size()), PONG);
  EXPECT_EQ(freed_, 1);
}

TEST_F(Server, ASliceThatTakesLongBreathes)
{
  const int slow = client();
  breathless_ = true;
  ASSERT_TRUE(send_all(slow, slices(1)));
  const gint64 most = in_ms(10000);
  while (begun_ == 0 && g_get_monotonic_time() < most)
    g_usleep(1000);
  const int waiting = client();
  ASSERT_TRUE(send_all(waiting, slices(1)));
  const int hostile = client();
  ASSERT_TRUE(send_all(hostile, "GET / HTTP/1.1\r\n\r\n"));
  for (int i = 0; i < 10; i++)
    ASSERT_TRUE(pings());
  EXPECT_EQ(receive(hostile, 1), "");
  EXPECT_EQ(made_, 0); // all of that in the middle of the slice
  breathless_ = false;
  EXPECT_EQ(receive(slow, SLICE.size()), SLICE);
  EXPECT_EQ(receive(waiting, SLICE.size()), SLICE);
  EXPECT_EQ(most_begun_, 1);
}

TEST_F(Server, InTheMiddleOfASliceOthersMakeRoom)
{
  limit({4, 60 * G_TIME_SPAN_SECOND, 60 * G_TIME_SPAN_SECOND, 60 * G_TIME_SPAN_SECOND, 4});
  const int slow = client();
  breathless_ = true;
  ASSERT_TRUE(send_all(slow, slices(3)));
  const gint64 most = in_ms(10000);
  while (begun_ == 0 && g_get_monotonic_time() < most)
    g_usleep(1000);
  const int first = client();
  for (int i = 0; i < 10; i++) // more than there is room for
    ASSERT_TRUE(pings());
  EXPECT_TRUE(is_closed(first));
  EXPECT_EQ(made_, 0);
  breathless_ = false;
  EXPECT_EQ(receive(slow, 3 * SLICE.size()), repeat(SLICE, 3));
}

TEST_F(Server, WhoIsClosedInTheMiddleOfASliceGoesAfterIt)
{
  std::vector<int> unreading;
  for (int i = 0; i < 4; i++) { // 30 MB each, of which 128 MiB are kept
    unreading.push_back(client());
    ASSERT_TRUE(send_all(unreading.back(), rows(30000)));
    ASSERT_TRUE(pings());
  }
  const int slow = client();
  breathless_ = true;
  ASSERT_TRUE(send_all(slow, slices(3)));
  const gint64 most = in_ms(20000);
  while (begun_ == 0 && g_get_monotonic_time() < most)
    g_usleep(1000);
  for (int i = 0; i < 3; i++) { // each too many, so that somebody has to go: the slow one, too
    const int fd = client();
    ASSERT_TRUE(send_all(fd, rows(60000)));
    ASSERT_TRUE(pings());
  }
  EXPECT_EQ(made_, 0);
  breathless_ = false;
  EXPECT_EQ(receive(slow, 3 * SLICE.size()), "");
  loop_.run([] {}); // after the slice
  EXPECT_EQ(freed_, 1);
  EXPECT_EQ(made_, 1);
  EXPECT_TRUE(pings());
}

TEST_F(Server, SoManyRepliesAreMadeAtOnceAndTheOthersAfterThem)
{
  limit({16, 60 * G_TIME_SPAN_SECOND, 60 * G_TIME_SPAN_SECOND, 60 * G_TIME_SPAN_SECOND, 2});
  std::vector<int> fds;
  for (int i = 0; i < 6; i++) {
    fds.push_back(client());
    ASSERT_TRUE(send_all(fds.back(), slices(20)));
  }
  for (const int fd : fds)
    EXPECT_EQ(receive(fd, 20 * SLICE.size()), repeat(SLICE, 20));
  EXPECT_EQ(most_begun_, 2);
  EXPECT_EQ(freed_, 6);
}

TEST_F(Server, WhoGoesWantsNoReply)
{
  const int impatient = client();
  ASSERT_TRUE(send_all(impatient, slices(100000))); // 500 s
  const int half = client();
  ASSERT_TRUE(send_all(half, slices(20)));
  shutdown(half, SHUT_WR); // only asks no more
  ASSERT_TRUE(pings());
  hang_up(impatient);
  const gint64 most = in_ms(10000);
  while (freed_ == 0 && g_get_monotonic_time() < most)
    g_usleep(1000);
  EXPECT_GE(freed_, 1);
  EXPECT_EQ(receive(half, 20 * SLICE.size()), repeat(SLICE, 20));
  EXPECT_TRUE(pings());
  gboolean busy = TRUE;
  while (busy && g_get_monotonic_time() < most)
    loop_.run([&] { busy = wire_server_busy(server_); });
  EXPECT_FALSE(busy);
}

TEST_F(Server, EndsWhileRepliesAreMade)
{
  for (int i = 0; i < 6; i++)
    ASSERT_TRUE(send_all(client(), slices(100000)));
  ASSERT_TRUE(pings());
  loop_.run([this] { g_clear_pointer(&server_, wire_server_free); });
  EXPECT_EQ(freed_, 6);
}

TEST_F(Server, ARestThatComesToNothingClosesNothingElse)
{
  const int fd = client();
  ASSERT_TRUE(send_all(fd, slices(0) + PING));
  EXPECT_EQ(receive(fd, PONG.size() + SLICE.size()), SLICE + PONG);
  const int oneway = client();
  ASSERT_TRUE(send_all(oneway, message(4, "query", field(STRING, 1, text("3"))) + PING));
  EXPECT_EQ(receive(oneway, PONG.size()), PONG);
  EXPECT_EQ(freed_, 2);
}

TEST_F(Server, AnswersNoOneway)
{
  const int fd = client();
  ASSERT_TRUE(send_all(fd, message(4, "ping", "") + PING));
  shutdown(fd, SHUT_WR);
  EXPECT_EQ(receive(fd, 1 << 20), PONG);
  EXPECT_EQ(handled_, 2);
}

TEST_F(Server, ClosesWhatIsNotAnswered)
{
  const int fd = client();
  ASSERT_TRUE(send_all(fd, call("shutdown", "")));
  EXPECT_EQ(receive(fd, 1), "");
  EXPECT_EQ(handled_, 1);
}

TEST_F(Server, HostileBytesGetAnErrorOrAnEnd)
{
  const int bystander = client();
  const struct {
    const char *what;
    string bytes;
    bool answered;
  } cases[] = {
      {"http", "GET / HTTP/1.1\r\n\r\n", false},
      {"a text of 2 GiB", call("call", field(STRING, 1, i32(0x7fffffff))), true},
      {"60,000 levels", call("ping", field(LIST, 1, "") + repeat(list(LIST, 1, ""), 60000)), true},
      {"a reply", PONG, false},
      {"a request of numbers", call("call", field(MAP, 3, map(I32, I32, 1, i32(4) + i32(4)))),
       true},
      {"60,000 keys", call("call", field(MAP, 3, map(STRING, STRING, 60000, ""))), true},
      {"a oneway that is invalid", message(4, "call", field(I32, 1, i32(1))), false},
      {"an unknown method", call("dance", ""), true},
  };
  for (const auto &c : cases) {
    SCOPED_TRACE(c.what);
    const int fd = client();
    send_all(fd, c.bytes);
    shutdown(fd, SHUT_WR);
    const string answer = receive(fd, 1 << 20);
    WireMessage message;
    if (c.answered) {
      EXPECT_EQ(check_message(reinterpret_cast<const guint8 *>(answer.data()), answer.size(),
                              WIRE_FROM_SERVER, &message),
                WIRE_COMPLETE);
      EXPECT_TRUE(message.exception);
      EXPECT_EQ(message.size, answer.size());
    } else {
      EXPECT_EQ(answer, "");
    }
    hang_up(fd);
  }
  EXPECT_TRUE(send_all(bystander, PING));
  EXPECT_EQ(receive(bystander, PONG.size()), PONG);
}

TEST_F(Server, DropsTheSilentAtTheirDeadlineWhileOthersAreServed)
{
  constexpr gint64 soon_us = 3 * G_TIME_SPAN_SECOND; // but no sooner than a ping is there
  limit({16, soon_us, soon_us, soon_us, 4});
  const int silent = client();
  const int slow = client();
  ASSERT_TRUE(send_all(slow, PING.substr(0, 6)));
  const int unreading = client();
  ASSERT_TRUE(send_all(unreading, rows(20000)));
  EXPECT_TRUE(pings());
  EXPECT_EQ(receive(silent, 1), "");
  EXPECT_EQ(receive(slow, 1), "");
  pollfd end = {unreading, 0, 0};
  EXPECT_EQ(poll(&end, 1, 20000), 1);
  // What fitted into the socket, and then the end.
  EXPECT_LT(receive(unreading, 20000 * 1000).size(), 20000u * 1000);
  EXPECT_TRUE(pings());
}

TEST_F(Server, DripsDoNotOutliveTheRequestsDeadline)
{
  limit({16, 60 * G_TIME_SPAN_SECOND, 300 * 1000, 60 * G_TIME_SPAN_SECOND, 4});
  const int fd = client();
  const string endless = call("call", field(STRING, 1, i32(1 << 20)));
  ASSERT_TRUE(send_all(fd, endless.substr(0, endless.size() - 1)));
  const gint64 most = in_ms(10000);
  while (g_get_monotonic_time() < most && send_all(fd, "x"))
    g_usleep(10000);
  EXPECT_LT(g_get_monotonic_time(), most);
}

TEST_F(Server, EvictsTheLongestIdleOne)
{
  limit({4, 60 * G_TIME_SPAN_SECOND, 60 * G_TIME_SPAN_SECOND, 60 * G_TIME_SPAN_SECOND, 4});
  const int first = client();
  ASSERT_TRUE(send_all(first, PING));
  ASSERT_EQ(receive(first, PONG.size()), PONG);
  const int idle = client();
  ASSERT_TRUE(pings());
  ASSERT_TRUE(send_all(first, PING)); // so the second is idle for longest
  ASSERT_EQ(receive(first, PONG.size()), PONG);
  ASSERT_TRUE(pings());
  ASSERT_TRUE(pings());
  EXPECT_EQ(receive(idle, 1), "");
  ASSERT_TRUE(send_all(first, PING));
  EXPECT_EQ(receive(first, PONG.size()), PONG);
}

TEST_F(Server, ServesWhileManyConnectAndSayNothing)
{
  for (int i = 0; i < 400; i++)
    client();
  for (int i = 0; i < 5; i++)
    EXPECT_TRUE(pings());
}

TEST_F(Server, ReadsNothingWhileAReplyIsPending)
{
  const int fd = client();
  ASSERT_TRUE(send_all(fd, rows(20000)));
  ASSERT_TRUE(pings()); // so the rows were handled too
  ASSERT_EQ(handled_, 2);
  ASSERT_TRUE(send_all(fd, PING));
  ASSERT_TRUE(pings());
  EXPECT_EQ(handled_, 3);
  gboolean busy = FALSE;
  loop_.run([&] { busy = wire_server_busy(server_); });
  EXPECT_TRUE(busy);
  hang_up(fd);
  const gint64 most = in_ms(10000);
  while (busy && g_get_monotonic_time() < most)
    loop_.run([&] { busy = wire_server_busy(server_); });
  EXPECT_FALSE(busy);
}

TEST_F(Server, BoundsWhatNobodyTakes)
{
  std::vector<int> unreading;
  for (int i = 0; i < 6; i++) { // 30 MB each, of which 128 MiB are kept
    unreading.push_back(client());
    ASSERT_TRUE(send_all(unreading.back(), rows(30000)));
    ASSERT_TRUE(pings());
  }
  EXPECT_LT(receive(unreading[0], 30000 * 1000).size(), 30000u * 1000);
  EXPECT_GT(receive(unreading[5], 30000 * 1000).size(), 29999u * 1000);
}

TEST_F(Server, SocketIsOursAlone)
{
  struct stat file;
  ASSERT_EQ(stat(path_.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 07777, 0600u);
  for (const mode_t mask : {0u, 0777u, 0277u}) {
    const string path = directory_.file("masked");
    const mode_t before = umask(mask);
    g_autoptr(WireListener) listener = wire_listener_new(path.c_str(), nullptr);
    umask(before);
    ASSERT_NE(listener, nullptr);
    ASSERT_EQ(stat(path.c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 07777, 0600u) << mask;
  }
}

TEST_F(Server, ReplacesAStaleSocketOnly)
{
  const string path = directory_.file("other");
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  g_strlcpy(address.sun_path, path.c_str(), sizeof address.sun_path);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof address), 0);
  close(fd); // leaves the file
  WireListener *listener = wire_listener_new(path.c_str(), nullptr);
  EXPECT_NE(listener, nullptr);
  wire_listener_free(listener);
  EXPECT_NE(access(path.c_str(), F_OK), 0);

  ASSERT_TRUE(g_file_set_contents(path.c_str(), "precious", -1, nullptr));
  g_autoptr(GError) error = nullptr;
  EXPECT_EQ(wire_listener_new(path.c_str(), &error), nullptr);
  EXPECT_TRUE(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_EXISTS)) << error->message;
  EXPECT_EQ(access(path.c_str(), F_OK), 0);
}

TEST_F(Server, UnlinksNobodyElsesSocket)
{
  const string path = directory_.file("other");
  WireListener *first = wire_listener_new(path.c_str(), nullptr);
  g_autoptr(WireListener) second = wire_listener_new(path.c_str(), nullptr);
  ASSERT_NE(second, nullptr);
  wire_listener_free(first);
  EXPECT_EQ(access(path.c_str(), F_OK), 0);
}

TEST_F(Server, RefusesPathsThatAreTooLong)
{
  g_autoptr(GError) error = nullptr;
  EXPECT_EQ(wire_listener_new(string(108, 'x').c_str(), &error), nullptr);
  EXPECT_TRUE(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_FILENAME_TOO_LONG));
}

TEST_F(Server, SurvivesALackOfDescriptors)
{
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const int waiting = client();
  ASSERT_TRUE(send_all(waiting, PING));
  ASSERT_EQ(receive(waiting, PONG.size()), PONG);
  const int late = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  open_.push_back(late);
  const rlimit none = {static_cast<rlim_t>(late) + 1, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  g_strlcpy(address.sun_path, path_.c_str(), sizeof address.sun_path);
  ASSERT_EQ(connect(late, reinterpret_cast<sockaddr *>(&address), sizeof address), 0);
  ASSERT_TRUE(send_all(late, PING));
  // It doesn't spin on the one that it can't accept, and serves those it has.
  rusage start, end;
  ASSERT_EQ(getrusage(RUSAGE_SELF, &start), 0);
  g_usleep(400000);
  ASSERT_EQ(getrusage(RUSAGE_SELF, &end), 0);
  const auto ms = [](const rusage &usage) {
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
  };
  EXPECT_LT(ms(end) - ms(start), 100);
  ASSERT_TRUE(send_all(waiting, PING));
  EXPECT_EQ(receive(waiting, PONG.size()), PONG);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(receive(late, PONG.size()), PONG);
}
} // namespace
