// A file system for SQLite that fails on request: everything goes to the real one, except what a
// test has asked for. Only databases opened while it is installed use it.
#pragma once

#include <atomic>
#include <glib.h>
#include <sqlite3.h>
#include <string.h>

class FaultyVfs
{
public:
  FaultyVfs()
  {
    real() = sqlite3_vfs_find(nullptr);
    vfs_ = *real();
    vfs_.zName = "faulty";
    vfs_.pNext = nullptr;
    vfs_.szOsFile = static_cast<int>(sizeof(File)) + real()->szOsFile;
    vfs_.xOpen = open;
    writes_fail = reads_fail = syncs_fail = syncs_hang = false;
    sync_delay_us = 0;
    sqlite3_vfs_register(&vfs_, 1);
  }

  ~FaultyVfs()
  {
    sqlite3_vfs_unregister(&vfs_);
    sqlite3_vfs_register(real(), 1);
  }

  FaultyVfs(const FaultyVfs &) = delete;
  FaultyVfs &operator=(const FaultyVfs &) = delete;

  // What the next calls meet, on files whose name holds "history".
  static inline std::atomic<bool> writes_fail{false}; // SQLITE_FULL
  static inline std::atomic<bool> reads_fail{false};  // EIO
  static inline std::atomic<bool> syncs_fail{false};  // EIO
  static inline std::atomic<bool> syncs_hang{false};  // until it is false again
  static inline std::atomic<int> sync_delay_us{0};

private:
  struct File {
    sqlite3_file base;
    bool meant;
    sqlite3_file *inner() const
    {
      return reinterpret_cast<sqlite3_file *>(const_cast<File *>(this) + 1);
    }
  };

  static sqlite3_vfs *&real()
  {
    static sqlite3_vfs *vfs = nullptr;
    return vfs;
  }

  static File *self(sqlite3_file *file)
  {
    return reinterpret_cast<File *>(file);
  }

  static const sqlite3_io_methods *below(sqlite3_file *file)
  {
    return self(file)->inner()->pMethods;
  }

  static int write(sqlite3_file *file, const void *data, int n, sqlite3_int64 at)
  {
    if (self(file)->meant && writes_fail)
      return SQLITE_FULL;
    return below(file)->xWrite(self(file)->inner(), data, n, at);
  }

  static int read(sqlite3_file *file, void *data, int n, sqlite3_int64 at)
  {
    if (self(file)->meant && reads_fail)
      return SQLITE_IOERR_READ;
    return below(file)->xRead(self(file)->inner(), data, n, at);
  }

  static int sync(sqlite3_file *file, int flags)
  {
    if (self(file)->meant && sync_delay_us > 0)
      g_usleep(static_cast<gulong>(sync_delay_us));
    while (self(file)->meant && syncs_hang)
      g_usleep(1000);
    if (self(file)->meant && syncs_fail)
      return SQLITE_IOERR_FSYNC;
    return below(file)->xSync(self(file)->inner(), flags);
  }

  static int close(sqlite3_file *file)
  {
    return below(file)->xClose(self(file)->inner());
  }

  static int truncate(sqlite3_file *file, sqlite3_int64 size)
  {
    return below(file)->xTruncate(self(file)->inner(), size);
  }

  static int file_size(sqlite3_file *file, sqlite3_int64 *size)
  {
    return below(file)->xFileSize(self(file)->inner(), size);
  }

  static int lock(sqlite3_file *file, int level)
  {
    return below(file)->xLock(self(file)->inner(), level);
  }

  static int unlock(sqlite3_file *file, int level)
  {
    return below(file)->xUnlock(self(file)->inner(), level);
  }

  static int check_lock(sqlite3_file *file, int *out)
  {
    return below(file)->xCheckReservedLock(self(file)->inner(), out);
  }

  static int control(sqlite3_file *file, int op, void *arg)
  {
    return below(file)->xFileControl(self(file)->inner(), op, arg);
  }

  static int sector_size(sqlite3_file *file)
  {
    return below(file)->xSectorSize(self(file)->inner());
  }

  static int characteristics(sqlite3_file *file)
  {
    return below(file)->xDeviceCharacteristics(self(file)->inner());
  }

  static int shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **at)
  {
    return below(file)->xShmMap(self(file)->inner(), page, size, extend, at);
  }

  static int shm_lock(sqlite3_file *file, int offset, int n, int flags)
  {
    return below(file)->xShmLock(self(file)->inner(), offset, n, flags);
  }

  static void shm_barrier(sqlite3_file *file)
  {
    below(file)->xShmBarrier(self(file)->inner());
  }

  static int shm_unmap(sqlite3_file *file, int remove)
  {
    return below(file)->xShmUnmap(self(file)->inner(), remove);
  }

  static int open(sqlite3_vfs *, const char *name, sqlite3_file *file, int flags, int *out)
  {
    static const sqlite3_io_methods methods = {2,
                                               close,
                                               read,
                                               write,
                                               truncate,
                                               sync,
                                               file_size,
                                               lock,
                                               unlock,
                                               check_lock,
                                               control,
                                               sector_size,
                                               characteristics,
                                               shm_map,
                                               shm_lock,
                                               shm_barrier,
                                               shm_unmap,
                                               nullptr,
                                               nullptr};
    File *opened = self(file);
    opened->base.pMethods = nullptr;
    opened->meant = name != nullptr && strstr(name, "history") != nullptr;
    const int result = real()->xOpen(real(), name, opened->inner(), flags, out);
    if (opened->inner()->pMethods != nullptr)
      opened->base.pMethods = &methods;
    return result;
  }

  sqlite3_vfs vfs_;
};
