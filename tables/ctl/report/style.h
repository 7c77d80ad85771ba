/* The style sheet. */
#pragma once

extern const char ctl_report_style[];
