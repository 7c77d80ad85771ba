#include "watchdog/core/machine/meter.h"

#include <math.h>

#define CHECK_INTERVAL_US (WD_CHECK_INTERVAL_S * G_USEC_PER_SEC)
#define SHORTEST_LOOK_US (50 * 1000)
#define SHORTEST_SAFETY_US (20 * 1000)
#define DETECTION_US (300 * 1000)
#define FASTEST_GROWTH_PER_US 1000 /* bytes: 1 GB/s */
/* for an observer */
#define SUDDEN_GROWTH_PER_US 200 /* bytes: 200 MB/s */
#define CROSSING_US (2 * G_USEC_PER_SEC)
#define CALM_US (1 * G_USEC_PER_SEC)

static const WdVerdict WITHIN = {.measured = WD_NONE, .limit = WD_NONE};

void
wd_meter_reset(WdMeter *meter, gint64 started_us)
{
  *meter = (WdMeter){
      .utilization = NAN,
      .sustained_s = 0,
      .footprint_bytes = WD_NONE,
      .peak_footprint_bytes = WD_NONE,
      .baseline_bytes = WD_NONE,
      .started_us = started_us,
      .regular_us = started_us,
      .sample_us = started_us,
      .memory_bytes = WD_NONE,
  };
}

gint64
wd_meter_regular_us(const WdMeter *meter)
{
  return isnan(meter->utilization) ? WD_NONE : meter->regular_us;
}

/* CPU time never runs backwards. A reading that does is wrong, and must not become a huge use. */
static gint64
used_since(gint64 before_ms, gint64 now_ms)
{
  return now_ms > before_ms ? now_ms - before_ms : 0;
}

static WdVerdict
judge_cpu(WdMeter *meter, const WdLimits *limits, const WdSample *sample, gint64 now_us)
{
  gint64 elapsed_ms = (now_us - meter->regular_us) / 1000;
  if (elapsed_ms <= 0)
    return WITHIN;

  gint64 used_ms =
      used_since(meter->user_ms, sample->user_ms) + used_since(meter->system_ms, sample->system_ms);
  gint64 allowed_ms = limits->utilization_limit * elapsed_ms * limits->cpus / 100;

  meter->cpu_used_ms = used_ms;
  meter->cpu_allowed_ms = allowed_ms;
  meter->regular_us = now_us;
  meter->user_ms = sample->user_ms;
  meter->system_ms = sample->system_ms;
  meter->utilization = 100.0 * (double)used_ms / ((double)elapsed_ms * limits->cpus);
  meter->strikes = used_ms > allowed_ms ? meter->strikes + 1 : 0;
  meter->sustained_s = (gint64)meter->strikes * WD_CHECK_INTERVAL_S;

  if (meter->strikes == 0 || meter->sustained_s < limits->latency_limit_s)
    return WITHIN;
  return (WdVerdict){
      .reason = WD_REASON_CPU,
      .measured = used_ms,
      .limit = allowed_ms,
      .unit = WD_UNIT_MS,
      .utilization = meter->utilization,
      .utilization_limit = limits->utilization_limit,
      .sustained_s = meter->sustained_s,
  };
}

static void
take_baseline(WdMeter *meter, const WdSample *sample, gint64 now_us, gboolean regular)
{
  if (meter->baseline_final)
    return;
  if (regular ||
      (meter->baseline_bytes == WD_NONE && now_us - meter->started_us >= WD_BASELINE_SETTLE_US)) {
    meter->baseline_bytes = sample->resident_bytes;
    meter->baseline_final = regular;
  }
}

void
wd_meter_keep_baseline(WdMeter *meter)
{
  meter->baseline_final = meter->baseline_bytes != WD_NONE;
}

static gint64
footprint(const WdMeter *meter, WdMemoryMetric metric, const WdSample *sample)
{
  switch (metric) {
  case WD_METRIC_GROWTH:
    if (meter->baseline_bytes == WD_NONE)
      return WD_NONE;
    return MAX(sample->resident_bytes - meter->baseline_bytes, 0);
  case WD_METRIC_RESIDENT:
    return sample->resident_bytes;
  case WD_METRIC_PRIVATE:
    return sample->private_bytes;
  }
  g_return_val_if_reached(WD_NONE);
}

static WdVerdict
judge_memory(WdMeter *meter, const WdLimits *limits, const WdSample *sample, gint64 now_us)
{
  gint64 memory_bytes =
      limits->memory_metric == WD_METRIC_PRIVATE ? sample->private_bytes : sample->resident_bytes;

  meter->growth_per_us = 0;
  if (memory_bytes != WD_NONE && meter->memory_bytes != WD_NONE && now_us > meter->sample_us)
    meter->growth_per_us =
        (double)(memory_bytes - meter->memory_bytes) / (double)(now_us - meter->sample_us);
  meter->memory_bytes = memory_bytes;
  meter->sample_us = now_us;
  meter->footprint_bytes = footprint(meter, limits->memory_metric, sample);
  /* WD_NONE is the least of all numbers. */
  meter->peak_footprint_bytes = MAX(meter->peak_footprint_bytes, meter->footprint_bytes);

  if (meter->footprint_bytes <= limits->memory_limit_bytes)
    return WITHIN;
  return (WdVerdict){
      .reason = WD_REASON_MEMORY,
      .measured = meter->footprint_bytes,
      .limit = limits->memory_limit_bytes,
      .unit = WD_UNIT_BYTES,
  };
}

gboolean
wd_meter_outgrows(const WdLimits *limits, gint64 exceeded_bytes, gint64 footprint_bytes)
{
  if (limits->grace_limit_percent == 0 || footprint_bytes <= exceeded_bytes)
    return FALSE;
  gint64 hundredfold, more_bytes = WD_GRACE_BYTES;
  if (!__builtin_mul_overflow(limits->memory_limit_bytes, limits->grace_limit_percent - 100,
                              &hundredfold))
    more_bytes = MIN(hundredfold / 100, WD_GRACE_BYTES);
  return footprint_bytes - limits->memory_limit_bytes > more_bytes;
}

WdVerdict
wd_meter_sample(WdMeter *meter, const WdLimits *limits, const WdSample *sample, gint64 now_us,
                gboolean regular)
{
  if (sample == NULL) {
    /* The next look is due from now on, and growth over the gap would be a guess. */
    meter->sample_us = now_us;
    meter->memory_bytes = WD_NONE;
    return WITHIN;
  }
  if (now_us - meter->started_us < CHECK_INTERVAL_US)
    regular = FALSE;

  WdVerdict cpu = regular ? judge_cpu(meter, limits, sample, now_us) : WITHIN;
  take_baseline(meter, sample, now_us, regular);
  WdVerdict memory = judge_memory(meter, limits, sample, now_us);
  return cpu.reason != WD_REASON_NONE ? cpu : memory;
}

gint64
wd_meter_next_memory_sample_us(const WdMeter *meter, const WdLimits *limits)
{
  gint64 settled_us = meter->started_us + WD_BASELINE_SETTLE_US;

  if (limits->memory_metric == WD_METRIC_GROWTH && meter->sample_us < settled_us)
    return settled_us;
  if (meter->footprint_bytes == WD_NONE || meter->footprint_bytes > limits->memory_limit_bytes)
    return meter->sample_us + CHECK_INTERVAL_US;

  gint64 headroom = limits->memory_limit_bytes - meter->footprint_bytes;
  gint64 wait_us = MIN(DETECTION_US + headroom / FASTEST_GROWTH_PER_US, CHECK_INTERVAL_US);

  if (meter->growth_per_us > 0) {
    double half_us = (double)headroom / meter->growth_per_us / 2;
    if (half_us < (double)wait_us)
      wait_us = MAX((gint64)half_us, SHORTEST_LOOK_US);
  }
  return meter->sample_us + wait_us;
}

gint64
wd_meter_safe_until_us(const WdMeter *meter, const WdLimits *limits)
{
  if (meter->footprint_bytes == WD_NONE || meter->footprint_bytes > limits->memory_limit_bytes)
    return meter->sample_us + CHECK_INTERVAL_US;

  const gint64 headroom = limits->memory_limit_bytes - meter->footprint_bytes;
  return meter->sample_us +
         CLAMP(headroom / FASTEST_GROWTH_PER_US, SHORTEST_SAFETY_US, CHECK_INTERVAL_US);
}

gint64
wd_meter_calm_us(const WdMeter *meter, const WdLimits *limits)
{
  if (meter->footprint_bytes == WD_NONE)
    return meter->sample_us;

  const gint64 headroom = limits->memory_limit_bytes - meter->footprint_bytes;
  if (headroom <= 0 || meter->growth_per_us * CROSSING_US > (double)headroom)
    return meter->sample_us;
  return meter->sample_us + MIN(headroom / SUDDEN_GROWTH_PER_US, CALM_US);
}
