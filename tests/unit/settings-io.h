// What settings are read from, held in memory, for the tests of gflags and settings.
#pragma once

#include "watchdog/core/settings/gflags.h"
#include "watchdog/core/settings/settings-error.h"

#include <map>
#include <string>
#include <vector>

struct FakeIo {
  std::map<std::string, std::string> files;
  std::map<std::string, std::string> environment;
  std::string denied;     // exists, and can't be opened
  std::string unreadable; // can be opened, and isn't a file
  std::vector<std::string> read;

  static char *read_file(const char *path, gsize *length, gpointer user_data, GError **error)
  {
    auto *self = static_cast<FakeIo *>(user_data);
    self->read.push_back(path);
    if (self->denied == path) {
      g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_ACCES, "Permission denied");
      return nullptr;
    }
    if (self->unreadable == path) {
      g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "is not a regular file");
      return nullptr;
    }
    auto found = self->files.find(path);
    if (found == self->files.end()) {
      g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "No such file or directory");
      return nullptr;
    }
    *length = found->second.size();
    return static_cast<char *>(g_memdup2(found->second.c_str(), *length + 1));
  }

  static const char *get_env(const char *name, gpointer user_data)
  {
    auto *self = static_cast<FakeIo *>(user_data);
    auto found = self->environment.find(name);
    return found == self->environment.end() ? nullptr : found->second.c_str();
  }

  WdSettingsIo io()
  {
    return {read_file, get_env, this};
  }
};

// A command line as main() gets it.
class Argv
{
public:
  Argv(std::initializer_list<const char *> words) : words_(words)
  {
    words_.push_back(nullptr);
  }

  const char *const *get() const
  {
    return words_.data();
  }

private:
  std::vector<const char *> words_;
};
