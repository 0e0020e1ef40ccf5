// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the C API hands out: a shell around an object, with a word that says
// whether it still stands for one. A destroyed shell is kept and used again
// much later, so that a call that still names it finds it dead instead of
// reading freed memory.
#ifndef ATTN_RUNTIME_SRC_HANDLE_H
#define ATTN_RUNTIME_SRC_HANDLE_H

#include "Failure.h"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

namespace attn::runtime {

/// `Handle` derives from Shell<Handle, Body, Tag> and has a static `name` for
/// messages; `Tag` tells it from other handles.
template <typename Handle, typename Body, uint32_t Tag> class Shell {
public:
  /// A handle for what `make` returns.
  template <typename Make> static Handle *create(Make &&make) {
    Handle *handle = take();
    try {
      handle->body.emplace(make());
    } catch (...) {
      bury(handle);
      throw;
    }
    handle->state.store(Live, std::memory_order_release);
    return handle;
  }

  /// Destroys what the handle stands for; a call that is using it in another
  /// thread does so when it ends. Anything but a live handle is left alone.
  static void destroy(Handle *handle) noexcept {
    if (!handle)
      return;
    uint32_t expected = Live;
    if (handle->state.compare_exchange_strong(expected, Dead)) {
      bury(handle);
      return;
    }
    if (expected == Busy &&
        !handle->state.compare_exchange_strong(expected, Doomed) &&
        expected == Live)
      destroy(handle);
  }

  /// Throws Failure unless `handle` is alive.
  static Body &use(const Handle *handle) {
    if (!handle)
      fail(ATTN_ERROR_INVALID_ARGUMENT, std::string(Handle::name) + " is NULL");
    uint32_t state = handle->state.load(std::memory_order_acquire);
    if (state != Live && state != Busy)
      failState(state);
    return *handle->body;
  }

  /// The object, or null if `handle` is not alive.
  static Body *peek(const Handle *handle) {
    if (!handle)
      return nullptr;
    uint32_t state = handle->state.load(std::memory_order_acquire);
    return state == Live || state == Busy ? &*handle->body : nullptr;
  }

  /// Has the object to itself for as long as it lives.
  class Exclusive {
  public:
    explicit Exclusive(Handle *handle) : handle(handle) {
      if (!handle)
        fail(ATTN_ERROR_INVALID_ARGUMENT,
             std::string(Handle::name) + " is NULL");
      uint32_t state = Live;
      if (!handle->state.compare_exchange_strong(state, Busy,
                                                 std::memory_order_acquire))
        failState(state);
    }
    ~Exclusive() {
      uint32_t state = Busy;
      if (handle->state.compare_exchange_strong(state, Live,
                                                std::memory_order_release))
        return;
      handle->state = Dead;
      bury(handle);
    }
    Exclusive(const Exclusive &) = delete;
    Exclusive &operator=(const Exclusive &) = delete;

    Body *operator->() { return &*handle->body; }

  private:
    Handle *handle;
  };

private:
  enum : uint32_t {
    Live = Tag,
    Busy = Tag + 1,
    Doomed = Tag + 2, // destroyed, but in use
    Dead = Tag + 3
  };

  [[noreturn]] static void failState(uint32_t state) {
    std::string name = Handle::name;
    if (state == Busy)
      fail(ATTN_ERROR_INVALID_ARGUMENT,
           name + " is in use by another thread; it belongs to one at a time");
    if (state == Dead || state == Doomed)
      fail(ATTN_ERROR_INVALID_ARGUMENT, name + " was destroyed");
    fail(ATTN_ERROR_INVALID_ARGUMENT, name + " is not an attn_" + name);
  }

  /// Shells at rest, the oldest first. Never destroyed: other threads may
  /// outlive main.
  struct Graveyard {
    std::mutex mutex;
    Handle *first = nullptr;
    Handle *last = nullptr;
    size_t count = 0;
  };
  static constexpr size_t leastAtRest = 1024;
  static Graveyard &graveyard() {
    static Graveyard &instance = *new Graveyard;
    return instance;
  }

  static Handle *take() {
    Graveyard &yard = graveyard();
    std::lock_guard<std::mutex> lock(yard.mutex);
    if (yard.count <= leastAtRest)
      return new Handle;
    Handle *handle = yard.first;
    yard.first = handle->next;
    --yard.count;
    return handle;
  }

  static void bury(Handle *handle) noexcept {
    handle->body.reset();
    Graveyard &yard = graveyard();
    std::lock_guard<std::mutex> lock(yard.mutex);
    handle->next = nullptr;
    (yard.count ? yard.last->next : yard.first) = handle;
    yard.last = handle;
    ++yard.count;
  }

  std::atomic<uint32_t> state{Dead};
  Handle *next = nullptr; // in the graveyard
  mutable std::optional<Body> body;
};

} // namespace attn::runtime

#endif // ATTN_RUNTIME_SRC_HANDLE_H
