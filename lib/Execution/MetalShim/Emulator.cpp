//===- Emulator.cpp - Metal kernels on this processor ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A fiber a thread: each runs until it waits for others, and all go on when
// those that have to meet are at the same place.
//
//===----------------------------------------------------------------------===//

#include "Emulator.h"
#include "Fibers.h"
#include "MatrixLives.h"
#include "SharedMemory.h"
#include "ShimInterface.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/Twine.h"

#include <cstring>
#include <mutex>

using namespace attn::execution::metal;
using metal_shim::Exchange;
using metal_shim::Host;
using metal_shim::Meeting;
using metal_shim::simdWidth;
using metal_shim::Thread;
namespace json = llvm::json;

namespace {

/// A thread between two places where threads meet.
struct Fiber {
  Thread place;
  Meeting waitsFor = Meeting::Nowhere;
  int line = 0;
};

struct Simdgroup {
  unsigned first, lanes;
  /// When its threads last met at a barrier.
  uint32_t met = 0;
  /// Of two exchanges one may still be read while lanes give to the next one.
  Exchange exchanges[2];
  std::vector<unsigned char> parity;
};

/// One dispatch.
class Run {
public:
  Run(const metal_shim::Module &module, const metal_shim::Kernel &kernel,
      const Dispatch &dispatch);

  llvm::Expected<Counts> run();
  static const Host *getHost();

private:
  void runGroup(const std::array<int64_t, 3> &group);
  void startThreads(const std::array<int64_t, 3> &group);
  bool resume(const Simdgroup &simdgroup);
  bool release(unsigned first, unsigned count, bool isThreadgroup);
  void explainDeadlock();
  /// Ends the dispatch, for what `fiber` does at `line`, if that is known.
  void fail(unsigned fiber, const llvm::Twine &what, int line = 0);

  // What a kernel calls, as its running thread.
  void access(const void *address, unsigned bytes, bool writes);
  void wait(Meeting kind, int line);
  const Exchange *exchange(Meeting kind, int line, const void *value,
                           unsigned bytes);

  const metal_shim::Module &module;
  const metal_shim::Kernel &kernel;
  const Dispatch &dispatch;
  std::vector<void *> arguments;
  SharedMemory shared;
  Fibers &stacks;
  std::vector<Fiber> fibers;
  std::vector<Simdgroup> simdgroups;
  unsigned running = 0;
  /// Counts meetings at barriers.
  uint32_t now = 1, threadgroupMet = 1;
  int64_t products = 0;
  /// Of the first thread of a threadgroup: the others do the same.
  MatrixLives lives;
  std::string problem;
  Counts counts;

  static Run *current;
};

} // namespace

Run *Run::current = nullptr;

static std::vector<const metal_shim::Shared *>
getArrays(const metal_shim::Module &module, llvm::StringRef kernel) {
  std::vector<const metal_shim::Shared *> arrays;
  for (const metal_shim::Shared *array = module.shared; array->kernel; ++array)
    if (array->kernel == kernel)
      arrays.push_back(array);
  return arrays;
}

static Fibers &getStacks() {
  static Fibers stacks;
  return stacks;
}

Run::Run(const metal_shim::Module &module, const metal_shim::Kernel &kernel,
         const Dispatch &dispatch)
    : module(module), kernel(kernel), dispatch(dispatch),
      shared(getArrays(module, kernel.name)), stacks(getStacks()) {
  for (const Argument &argument : dispatch.arguments) {
    arguments.push_back(argument.data);
    counts.arguments.push_back({std::to_string(arguments.size() - 1), 0, 0});
  }
  for (const metal_shim::Shared *array : getArrays(module, kernel.name))
    counts.threadgroupArrays.push_back({array->name, 0, 0});
  unsigned threads = dispatch.block[0] * dispatch.block[1] * dispatch.block[2];
  fibers.resize(threads);
  for (unsigned first = 0; first < threads; first += simdWidth) {
    Simdgroup &simdgroup = simdgroups.emplace_back();
    simdgroup.first = first;
    simdgroup.lanes = std::min(simdWidth, threads - first);
    simdgroup.parity.resize(simdgroup.lanes);
    for (Exchange &exchange : simdgroup.exchanges)
      exchange.lanes = simdgroup.lanes;
  }
}

//===----------------------------------------------------------------------===//
// Meeting
//===----------------------------------------------------------------------===//

static const char *describe(Meeting kind) {
  switch (kind) {
  case Meeting::Nowhere:
    return "nothing";
  case Meeting::ThreadgroupBarrier:
    return "a barrier of the threadgroup";
  case Meeting::SimdgroupBarrier:
    return "a barrier of the simdgroup";
  case Meeting::SimdFunction:
    return "a function of the simdgroup";
  case Meeting::SimdgroupMatrix:
    return "an operation on matrices";
  }
  return "";
}

void Run::fail(unsigned fiber, const llvm::Twine &what, int line) {
  if (!problem.empty())
    return;
  const Thread &place = fibers[fiber].place;
  problem = (llvm::Twine("the kernel '") + kernel.name + "'" +
             (line ? ", line " + llvm::Twine(line) : "") + ": thread " +
             llvm::Twine(fiber) + " of the threadgroup (" +
             llvm::Twine(place.group[0]) + ", " + llvm::Twine(place.group[1]) +
             ", " + llvm::Twine(place.group[2]) + ") " + what)
                .str();
}

void Run::startThreads(const std::array<int64_t, 3> &group) {
  for (auto [index, fiber] : llvm::enumerate(fibers)) {
    Thread &place = fiber.place;
    size_t rest = index;
    for (unsigned axis = 0; axis < 3; ++axis) {
      place.position[axis] = rest % dispatch.block[axis];
      rest /= dispatch.block[axis];
      place.group[axis] = group[axis];
      place.groups[axis] = dispatch.grid[axis];
      place.threads[axis] = dispatch.block[axis];
    }
    place.index = index;
    place.lane = index % simdWidth;
    place.simdgroup = index / simdWidth;
    place.simdgroups = simdgroups.size();
    fiber.waitsFor = Meeting::Nowhere;
  }
}

/// Runs the threads of a simdgroup that wait for nothing; whether there were
/// any.
bool Run::resume(const Simdgroup &simdgroup) {
  bool ran = false;
  for (unsigned i = 0; i < simdgroup.lanes && problem.empty(); ++i) {
    running = simdgroup.first + i;
    if (stacks.hasEnded(running) ||
        fibers[running].waitsFor != Meeting::Nowhere)
      continue;
    stacks.resume(running);
    ran = true;
  }
  return ran;
}

/// Lets threads go on that wait for each other, if all of them are there.
bool Run::release(unsigned first, unsigned count, bool isThreadgroup) {
  const Fiber &one = fibers[first];
  if ((one.waitsFor == Meeting::ThreadgroupBarrier) != isThreadgroup ||
      one.waitsFor == Meeting::Nowhere)
    return false;
  for (unsigned i = first; i < first + count; ++i)
    if (stacks.hasEnded(i) || fibers[i].waitsFor != one.waitsFor ||
        fibers[i].line != one.line)
      return false;
  if (one.waitsFor == Meeting::ThreadgroupBarrier) {
    threadgroupMet = ++now;
    ++counts.threadgroupBarriers;
  } else if (one.waitsFor == Meeting::SimdgroupBarrier) {
    simdgroups[first / simdWidth].met = ++now;
    ++counts.simdgroupBarriers;
  }
  for (unsigned i = first; i < first + count; ++i)
    fibers[i].waitsFor = Meeting::Nowhere;
  return true;
}

/// Says whom a thread waits for in vain.
void Run::explainDeadlock() {
  unsigned waiting = 0;
  while (stacks.hasEnded(waiting))
    ++waiting;
  const Fiber &one = fibers[waiting];
  unsigned first = 0, count = fibers.size();
  if (one.waitsFor != Meeting::ThreadgroupBarrier) {
    first = simdgroups[waiting / simdWidth].first;
    count = simdgroups[waiting / simdWidth].lanes;
  }
  for (unsigned i = first; i < first + count; ++i) {
    const Fiber &other = fibers[i];
    std::string where =
        stacks.hasEnded(i)
            ? "has ended"
            : (llvm::Twine("waits for ") + describe(other.waitsFor) +
               " at line " + llvm::Twine(other.line))
                  .str();
    if (stacks.hasEnded(i) || other.waitsFor != one.waitsFor ||
        other.line != one.line)
      return fail(waiting,
                  llvm::Twine("waits for ") + describe(one.waitsFor) +
                      ", but thread " + llvm::Twine(i) + " " + where,
                  one.line);
  }
}

void Run::runGroup(const std::array<int64_t, 3> &group) {
  startThreads(group);
  shared.reset();
  // Threads that were started call it until they have ended.
  auto runThread = [&](unsigned number) {
    kernel.run(arguments.data(), fibers[number].place);
  };
  stacks.start(fibers.size(), runThread);
  for (bool goesOn = true; goesOn && problem.empty();) {
    goesOn = false;
    for (const Simdgroup &simdgroup : simdgroups)
      while (resume(simdgroup)) {
        goesOn = true;
        if (!release(simdgroup.first, simdgroup.lanes, false))
          break;
      }
    goesOn |= release(0, fibers.size(), true);
  }
  for (unsigned i = 0; i < fibers.size() && problem.empty(); ++i)
    if (!stacks.hasEnded(i))
      explainDeadlock();
}

llvm::Expected<Counts> Run::run() {
  current = this;
  *module.host = getHost();
  std::array<int64_t, 3> group;
  for (group[2] = 0; group[2] < dispatch.grid[2]; ++group[2])
    for (group[1] = 0; group[1] < dispatch.grid[1]; ++group[1])
      for (group[0] = 0; group[0] < dispatch.grid[0]; ++group[0]) {
        runGroup(group);
        counts.matrixRegisters =
            std::max(counts.matrixRegisters, lives.finish());
        if (!problem.empty())
          return llvm::createStringError(problem);
        ++counts.threadgroups;
      }
  counts.matrixProducts = products / simdWidth;
  return std::move(counts);
}

//===----------------------------------------------------------------------===//
// What kernels call
//===----------------------------------------------------------------------===//

/// Nothing comes back from a kernel that did something wrong.
void Run::access(const void *address, unsigned bytes, bool writes) {
  if (stacks.isOnStack(address))
    return;
  auto count = [&](Traffic &traffic) {
    (writes ? traffic.stored : traffic.loaded) += bytes;
  };
  auto *begin = static_cast<const char *>(address);
  for (auto [index, argument] : llvm::enumerate(dispatch.arguments))
    if (begin >= argument.first &&
        begin + bytes <= argument.first + argument.bytes)
      return count(counts.arguments[index]);
  std::string wrong;
  if (int array = shared.find(address); array >= 0) {
    const Simdgroup &simdgroup = simdgroups[running / simdWidth];
    wrong = shared.access(array, address, bytes, writes,
                          {int(running), int(running / simdWidth), now,
                           simdgroup.met, threadgroupMet});
    if (wrong.empty())
      return count(counts.threadgroupArrays[array]);
  } else if (!writes && address >= module.begin && address < module.end) {
    return; // A constant.
  } else {
    wrong = writes ? "writes" : "reads";
    wrong += (" " + llvm::Twine(bytes) + " bytes outside of what it was given")
                 .str();
    for (auto [index, argument] : llvm::enumerate(dispatch.arguments)) {
      constexpr ptrdiff_t near = 4096;
      ptrdiff_t at = begin - argument.first;
      if (at > -near && at < ptrdiff_t(argument.bytes) + near)
        wrong += (": at " + llvm::Twine(at) + " of the " +
                  llvm::Twine(argument.bytes) + " bytes of buffer " +
                  llvm::Twine(index))
                     .str();
    }
  }
  fail(running, wrong);
  stacks.yield();
}

void Run::wait(Meeting kind, int line) {
  fibers[running].waitsFor = kind;
  fibers[running].line = line;
  stacks.yield();
}

const Exchange *Run::exchange(Meeting kind, int line, const void *value,
                              unsigned bytes) {
  unsigned lane = running % simdWidth;
  Simdgroup &simdgroup = simdgroups[running / simdWidth];
  if (kind == Meeting::SimdgroupMatrix && simdgroup.lanes < simdWidth) {
    fail(running, "uses a matrix in a simdgroup that is not full", line);
    stacks.yield();
  }
  Exchange &given = simdgroup.exchanges[simdgroup.parity[lane]];
  simdgroup.parity[lane] ^= 1;
  std::memcpy(given.values[lane], value, bytes);
  wait(kind, line);
  return &given;
}

const Host *Run::getHost() {
  static const Host host = {
      []() -> const Thread & {
        return current->fibers[current->running].place;
      },
      [](const void *address, unsigned bytes) {
        current->access(address, bytes, /*writes=*/false);
      },
      [](const void *address, unsigned bytes) {
        current->access(address, bytes, /*writes=*/true);
      },
      [](Meeting kind, int line) { current->wait(kind, line); },
      [](Meeting kind, int line, const void *value, unsigned bytes) {
        return current->exchange(kind, line, value, bytes);
      },
      [] { ++current->products; },
      [](const void *variable, unsigned bytes, metal_shim::MatrixEvent event) {
        if (current->running == 0)
          current->lives.tell(variable, bytes, event);
      },
      [](const char *message, int line) {
        current->fail(current->running, message, line);
        current->stacks.yield();
      }};
  return &host;
}

//===----------------------------------------------------------------------===//
// Libraries
//===----------------------------------------------------------------------===//

const metal_shim::Kernel *Library::find(llvm::StringRef name) const {
  for (const metal_shim::Kernel *kernel = module->kernels; kernel->name;
       ++kernel)
    if (kernel->name == name)
      return kernel;
  return nullptr;
}

int64_t Library::getThreadgroupBytes(llvm::StringRef kernel) const {
  int64_t bytes = 0;
  for (const metal_shim::Shared *array : getArrays(*module, kernel))
    bytes += array->bytes;
  return bytes;
}

llvm::Expected<Counts> Library::run(const Dispatch &dispatch) const {
  // Threadgroup memory is the library's, and stacks are the process's.
  static std::mutex one;
  std::lock_guard<std::mutex> lock(one);
  const metal_shim::Kernel *kernel = find(dispatch.kernel);
  if (!kernel)
    return llvm::createStringError("there is no kernel '" + dispatch.kernel +
                                   "'");
  if (kernel->buffers > dispatch.arguments.size())
    return llvm::createStringError(
        "the kernel '" + dispatch.kernel + "' has " +
        std::to_string(kernel->buffers) + " buffers, of which " +
        std::to_string(dispatch.arguments.size()) + " are bound");
  return Run(*module, *kernel, dispatch).run();
}

json::Object Counts::toJSON() const {
  auto list = [](llvm::ArrayRef<Traffic> all) {
    json::Object object;
    for (const Traffic &traffic : all)
      object[traffic.name] = json::Object{{"loaded_bytes", traffic.loaded},
                                          {"stored_bytes", traffic.stored}};
    return object;
  };
  return json::Object{{"threadgroups", threadgroups},
                      {"buffers", list(arguments)},
                      {"threadgroup_arrays", list(threadgroupArrays)},
                      {"threadgroup_barriers", threadgroupBarriers},
                      {"simdgroup_barriers", simdgroupBarriers},
                      {"matrix_products", matrixProducts},
                      {"matrix_registers", matrixRegisters}};
}
