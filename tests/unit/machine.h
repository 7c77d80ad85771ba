/* A supervisor under a virtual clock, driven by a script.
 *
 * A script is a list of lines, each an input and the actions that must follow. Inputs:
 *   tick · wait SECONDS · next · spawned NAME · counted NAME (spawned, and its page faults can be
 * counted) · faulted NAME · failed NAME · exited NAME CODE · killed NAME SIGNAL
 * · oom NAME · accepts · stored (everything so far) · unstorable · wanted NAME · unwanted NAME ·
 * settings (the machine's `limits`, as changed by the test) · stop · report NAME… (of the worker,
 * that these are registered; see observe()) · silent (a report that the worker doesn't answer) ·
 * denylisted QUERY · remember NAME… (the history has these as given up; boot() says that it has
 * none) and, as changes of what the next samples show, without a step: memory NAME MB · cpu NAME
 * PERCENT · parent NAME PID · unreadable NAME · readable NAME
 *
 * Actions are written "spawn NAME", "TERM NAME" (or USR1, KILL), "EVENT NAME REASON", with "ack"
 * behind it when the store shall acknowledge, "log", "probe", "count NAME" and "exit CODE",
 * separated by ", ". Publishing and remembering threads are counted only. `wait` ticks whenever the
 * machine wants to be ticked, and writes
 * "@SECONDS" since the start of the waiting before the actions of a tick; it leaves probes out.
 * `next` waits for the next tick that has actions. */
#pragma once

#include "watchdog/core/machine/supervise.h"

#include <cmath>
#include <csignal>
#include <cstring>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

constexpr gint64 kWatchdogPid = 100;
constexpr gint64 kMegabyte = 1024 * 1024;

using Script = std::vector<std::pair<const char *, const char *>>;

/* osquery's normal level, with limits enforced from the start, 2 CPUs and a stop grace of 11 s. */
inline WdLimits
normal_limits()
{
  WdLimits limits = {};
  limits.enforce = TRUE;
  limits.manager = TRUE;
  limits.enforce_extensions = TRUE;
  limits.memory_limit_bytes = 200 * kMegabyte;
  limits.memory_metric = WD_METRIC_GROWTH;
  limits.utilization_limit = 10;
  limits.latency_limit_s = 12;
  limits.respawn_limit = 4;
  limits.quick_exit_s = 4;
  limits.respawn_delay_s = 5;
  limits.max_delay_s = 600;
  limits.forced_shutdown_delay_s = 4;
  limits.grace_limit_percent = 200;
  limits.stop_grace_s = 11;
  limits.extensions_interval_s = 3;
  limits.extensions_timeout_s = 3;
  limits.cpus = 2;
  return limits;
}

class Machine
{
public:
  explicit Machine(const WdLimits &machine_limits = normal_limits(),
                   const std::vector<std::string> &extensions = {})
      : limits(machine_limits), supervisor_(begin(machine_limits, now_us)),
        actions_(wd_actions_new()), names_{"watchdog", "worker"}
  {
    sources_.resize(names_.size());
    for (const std::string &name : extensions)
      add(name);
  }

  ~Machine()
  {
    for (WdEvent *event : events_)
      wd_event_free(event);
    g_array_unref(actions_);
    wd_machine_free(supervisor_);
  }

  Machine(const Machine &) = delete;
  Machine &operator=(const Machine &) = delete;

  void add(const std::string &name)
  {
    const std::string path = "/ext/" + name;
    names_.push_back(name);
    sources_.resize(names_.size());
    wd_supervise_add_extension(supervisor_, name.c_str(), path.c_str(), name == "tables");
  }

  void play(const Script &script)
  {
    for (const auto &line : script) {
      SCOPED_TRACE("line " + std::to_string(++line_) + ": " + line.first);
      EXPECT_EQ(act(line.first), line.second);
    }
  }

  /* A worker that accepts, and all extensions, running. */
  void boot()
  {
    act("tick");
    act("spawned worker");
    act("accepts");
    for (size_t i = WD_PROCESS_FIRST_EXTENSION; i < names_.size(); i++)
      act("spawned " + names_[i]);
    act("remember");
  }

  std::string act(const std::string &line)
  {
    std::istringstream words(line);
    std::string verb, name;
    gint64 number = 0;
    words >> verb;
    if (verb == "wait") {
      double seconds = 0;
      words >> seconds;
      return wait(static_cast<gint64>(std::llround(seconds * G_USEC_PER_SEC)));
    }
    if (verb == "next")
      return next();
    if (verb == "report" || verb == "silent" || verb == "denylisted")
      return observe(verb, words);
    if (verb == "remember")
      return remember(words);
    words >> name >> number;
    const guint index = name.empty() ? 0 : index_of(name);
    if (verb == "memory")
      sources_[index].resident_bytes = number * kMegabyte;
    else if (verb == "cpu")
      set_cpu(index, number);
    else if (verb == "parent")
      sources_[index].ppid = number;
    else if (verb == "unreadable" || verb == "readable")
      sources_[index].readable = verb == "readable";
    else
      return step(verb, index, number);
    return "";
  }

  /* The newest event of this kind, which must exist. */
  const WdEvent *last(WdEventKind kind) const
  {
    for (auto event = events_.rbegin(); event != events_.rend(); ++event)
      if ((*event)->kind == kind)
        return *event;
    ADD_FAILURE() << "no " << wd_event_kind_name(kind);
    static const WdEvent none = {};
    return &none;
  }

  guint count(WdEventKind kind) const
  {
    guint n = 0;
    for (const WdEvent *event : events_)
      n += event->kind == kind;
    return n;
  }

  gint64 pid(const std::string &name) const
  {
    return sources_[index_of(name)].pid;
  }

  const std::string &last_log() const
  {
    return log_;
  }

  WdMachine *get() const
  {
    return supervisor_;
  }

  WdLimits limits;
  gint64 now_us = 1000 * G_USEC_PER_SEC;
  guint publishes = 0;
  guint remembered = 0;
  std::map<std::string, std::string> status(const std::string &name)
  {
    g_autoptr(GPtrArray) rows = wd_machine_status(supervisor_, now_us, 0);
    const WdProcessStatus *row = nullptr;
    for (guint i = 0; i < rows->len; i++)
      if (static_cast<const WdProcessStatus *>(rows->pdata[i])->name == name)
        row = static_cast<const WdProcessStatus *>(rows->pdata[i]);
    if (row == nullptr)
      return {};
    const char *watch = wd_memory_watch_name(row->memory_watch);
    const auto text = [](gint64 value) {
      return value == WD_NONE ? std::string("NULL") : std::to_string(value);
    };
    return {{"state", wd_state_name(row->state)},
            {"pid", text(row->pid)},
            {"restarts", text(row->restarts)},
            {"terminations", text(row->terminations)},
            {"quick_exits", text(row->quick_exits)},
            {"restart_limit", text(row->restart_limit)},
            {"start_time", text(row->start_time_s)},
            {"next_start_time", text(row->next_start_time_s)},
            {"footprint", text(row->footprint_bytes)},
            {"peak_footprint", text(row->peak_footprint_bytes)},
            {"resident_size", text(row->resident_bytes)},
            {"last_check_time", text(row->last_check_time_s)},
            {"last_exit_code", text(row->last_exit_code)},
            {"last_exit_signal", text(row->last_exit_signal)},
            {"enforced", std::to_string(row->enforced)},
            {"memory_watch", watch != nullptr ? watch : "NULL"},
            {"registered", text(row->registered)},
            {"uuid", text(row->uuid)},
            {"responsive", text(row->responsive)},
            {"version", row->version != nullptr ? row->version : "NULL"},
            {"last_seq", std::to_string(row->last_seq)}};
  }

private:
  static WdMachine *begin(const WdLimits &limits, gint64 now_us)
  {
    const WdFound watchdog = {WD_ROLE_WATCHDOG, "watchdog", "/bin/osquery-watchdogd",
                              kWatchdogPid,     7,          now_us};
    return wd_supervise_new(&limits, &watchdog, "/opt/osqueryd");
  }

  /* What /proc would show. */
  struct Source {
    gint64 pid = WD_NONE;
    gint64 ppid = kWatchdogPid;
    gint64 resident_bytes = 10 * kMegabyte;
    gint64 cpu_percent = 0; /* of all CPUs */
    gint64 cpu_ms = 0;      /* used until since_us */
    gint64 since_us = 0;
    bool readable = true;
  };

  guint index_of(const std::string &name) const
  {
    for (guint i = 0; i < names_.size(); i++)
      if (names_[i] == name)
        return i;
    throw std::invalid_argument(name);
  }

  gint64 cpu_ms(const Source &source) const
  {
    return source.cpu_ms +
           source.cpu_percent * limits.cpus * (now_us - source.since_us) / 1000 / 100;
  }

  void set_cpu(guint index, gint64 percent)
  {
    sources_[index].cpu_ms = cpu_ms(sources_[index]);
    sources_[index].since_us = now_us;
    sources_[index].cpu_percent = percent;
  }

  std::string tick_at_deadline()
  {
    now_us = MAX(now_us, wd_machine_deadline(supervisor_));
    std::string done = step("tick", 0, 0);
    for (size_t at; (at = done.find("probe")) != std::string::npos;)
      done.erase(at == 0 ? 0 : at - 2, at == 0 ? std::strlen("probe, ") : std::strlen(", probe"));
    if (wd_machine_deadline(supervisor_) <= now_us)
      throw std::runtime_error("ticks in a busy loop");
    return done;
  }

  std::string next()
  {
    for (int ticks = 0; ticks < 1000; ticks++) {
      const std::string done = tick_at_deadline();
      if (!done.empty())
        return done;
    }
    return "";
  }

  std::string wait(gint64 duration_us)
  {
    const gint64 start_us = now_us;
    std::string result;
    while (wd_machine_deadline(supervisor_) <= start_us + duration_us) {
      const std::string done = tick_at_deadline();
      if (!done.empty()) {
        std::ostringstream at;
        at << (result.empty() ? "@" : ", @")
           << static_cast<double>(now_us - start_us) / G_USEC_PER_SEC << ' ' << done;
        result += at.str();
      }
    }
    now_us = start_us + duration_us;
    return result;
  }

  std::string step(const std::string &verb, guint index, gint64 number)
  {
    std::vector<WdSample> values(names_.size());
    std::vector<const WdSample *> samples(names_.size());
    WdInput input = {};
    input.process = index;
    Source &source = sources_[index];
    if (verb == "tick") {
      input.kind = WD_INPUT_TICK;
      for (guint i = 0; i < names_.size(); i++) {
        const Source &of = sources_[i];
        values[i] = {cpu_ms(of), 0, of.resident_bytes, of.resident_bytes / 2, 1, of.ppid};
        if (of.readable && wd_machine_wants_sample(supervisor_, i, now_us))
          samples[i] = &values[i];
      }
      input.samples = samples.data();
    } else if (verb == "spawned" || verb == "counted") {
      input.kind = WD_INPUT_SPAWNED;
      source = Source();
      source.since_us = now_us;
      source.pid = ++last_pid_;
      input.spawned = {source.pid, source.pid * 10, verb == "counted"};
      input.file = "file";
    } else if (verb == "failed") {
      input.kind = WD_INPUT_SPAWN_FAILED;
      input.spawn_error = "No such file or directory";
      input.file = "file";
    } else if (verb == "exited" || verb == "killed" || verb == "oom") {
      input.kind = WD_INPUT_EXITED;
      source.pid = WD_NONE;
      input.exited.code = verb == "exited" ? number : WD_NONE;
      input.exited.signal = verb == "killed" ? number : verb == "oom" ? SIGKILL : WD_NONE;
      input.exited.oom = verb == "oom";
    } else if (verb == "faulted") {
      input.kind = WD_INPUT_FAULTED;
    } else if (verb == "accepts") {
      input.kind = WD_INPUT_MANAGER_ACCEPTS;
    } else if (verb == "stored") {
      input.kind = WD_INPUT_STORED;
      input.seq = last_seq_;
    } else if (verb == "unstorable") {
      input.kind = WD_INPUT_STORED;
      input.seq = G_MAXUINT64;
    } else if (verb == "wanted" || verb == "unwanted") {
      input.kind = WD_INPUT_WANTED;
      input.wanted = verb == "wanted";
    } else if (verb == "settings") {
      input.kind = WD_INPUT_SETTINGS;
      input.settings = {&limits, "{}", "settings changed"};
    } else if (verb == "stop") {
      input.kind = WD_INPUT_STOP;
    } else {
      throw std::invalid_argument(verb);
    }
    wd_machine_step(supervisor_, &input, now_us, actions_);
    return take();
  }

  std::string remember(std::istringstream &words)
  {
    g_autoptr(GPtrArray) list =
        g_ptr_array_new_with_free_func(reinterpret_cast<GDestroyNotify>(wd_given_up_free));
    g_autofree char *details = wd_given_up_details("file", WD_GIVEN_UP_WITH_ALL);
    std::string name;
    while (words >> name)
      g_ptr_array_add(list, wd_given_up_new(("/ext/" + name).c_str(), details, 3600));
    WdInput input = {};
    input.kind = WD_INPUT_GIVEN_UP;
    input.given_up = list;
    wd_machine_step(supervisor_, &input, now_us, actions_);
    return take();
  }

  /* "report a b/7": a registered with uuid 1, b with 7; "report a!": a doesn't answer its ping;
   * "report dead/7": the process that was registered with uuid 7 is gone; "report ?": one that
   * nobody knows is left out; "report schedule": the schedule was read, too. */
  std::string observe(const std::string &verb, std::istringstream &words)
  {
    auto report = std::make_unique<WdReport>();
    report->worker_pid = sources_[WD_PROCESS_WORKER].pid;
    std::string name;
    if (verb == "denylisted") {
      words >> name;
      report->kind = WD_REPORT_DENYLISTED;
      g_strlcpy(report->denylisted.name, name.c_str(), sizeof report->denylisted.name);
      g_strlcpy(report->denylisted.query, "SELECT 1", sizeof report->denylisted.query);
    } else {
      report->kind = WD_REPORT_REGISTRATIONS;
      report->registrations.responsive = report->registrations.listed = verb == "report";
      g_strlcpy(report->registrations.version, "5.23.0", sizeof report->registrations.version);
      while (words >> name) {
        if (name == "schedule") {
          report->registrations.schedule_read = TRUE;
          continue;
        }
        if (name == "?") {
          report->registrations.unattributed = TRUE;
          continue;
        }
        WdReportedExtension *extension =
            &report->registrations.extensions[report->registrations.n_extensions++];
        extension->responsive = name.back() != '!';
        if (!extension->responsive)
          name.pop_back();
        const size_t slash = name.find('/');
        extension->uuid = slash == std::string::npos ? 1 : std::stoi(name.substr(slash + 1));
        name = name.substr(0, slash);
        extension->pid = name == "dead" ? 1 : sources_[index_of(name)].pid;
        g_strlcpy(extension->version, "1.0", sizeof extension->version);
      }
    }
    WdInput input = {};
    input.kind = WD_INPUT_REPORT;
    input.report = report.get();
    wd_machine_step(supervisor_, &input, now_us, actions_);
    return take();
  }

  std::string take()
  {
    std::string text;
    for (guint i = 0; i < actions_->len; i++) {
      WdAction *action = &g_array_index(actions_, WdAction, i);
      const std::string word = describe(action);
      if (!word.empty())
        text += (text.empty() ? "" : ", ") + word;
    }
    g_array_set_size(actions_, 0);
    return text;
  }

  std::string describe(WdAction *action)
  {
    const std::string &name = names_[action->process];
    switch (action->kind) {
    case WD_ACTION_SPAWN:
      return "spawn " + name;
    case WD_ACTION_SIGNAL:
      switch (action->signo) {
      case SIGUSR1:
        return "USR1 " + name;
      case SIGTERM:
        return "TERM " + name;
      case SIGKILL:
        return "KILL " + name;
      }
      return "signal " + std::to_string(action->signo) + " " + name;
    case WD_ACTION_RECORD:
      return keep(action);
    case WD_ACTION_LOG:
      log_ = action->text;
      return "log";
    case WD_ACTION_COUNT_FAULTS:
      return "count " + name;
    case WD_ACTION_PROBE_MANAGER:
      return "probe";
    case WD_ACTION_PUBLISH:
      publishes++;
      return "";
    case WD_ACTION_REMEMBER_THREADS:
      remembered++;
      return "";
    case WD_ACTION_EXIT:
      return "exit " + std::to_string(action->exit_code);
    }
    return "?";
  }

  std::string keep(WdAction *action)
  {
    const WdEvent *event = action->event;
    std::string text = std::string(wd_event_kind_name(event->kind)) + " " + event->name;
    if (event->reason != WD_REASON_NONE)
      text += std::string(" ") + wd_reason_name(event->reason);
    if (action->acknowledge)
      text += " ack";
    EXPECT_EQ(event->seq, last_seq_ + 1);
    EXPECT_LT(event->cause_seq, event->seq);
    EXPECT_EQ(event->name, names_[action->process]);
    EXPECT_TRUE(event->message != nullptr && *event->message != '\0');
    last_seq_ = event->seq;
    events_.push_back(action->event);
    action->event = nullptr;
    return text;
  }

  WdMachine *supervisor_;
  GArray *actions_;
  std::vector<std::string> names_;
  std::vector<Source> sources_;
  std::vector<WdEvent *> events_;
  std::string log_;
  guint64 last_seq_ = 0;
  gint64 last_pid_ = 1000;
  size_t line_ = 0;
};
