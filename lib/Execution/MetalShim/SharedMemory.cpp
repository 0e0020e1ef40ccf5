//===- SharedMemory.cpp - Threadgroup memory that is watched --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One record an element: its last writer, and its readers as far as that tells
// whether a later write waits for them.
//
//===----------------------------------------------------------------------===//

#include "SharedMemory.h"

#include "llvm/ADT/Twine.h"

#include <algorithm>
#include <cstring>

using namespace attn::execution::metal;

SharedMemory::SharedMemory(
    llvm::ArrayRef<const metal_shim::Shared *> declared) {
  for (const metal_shim::Shared *array : declared)
    arrays.push_back(
        {array, std::vector<Element>(array->bytes / array->elementBytes)});
}

void SharedMemory::reset() {
  for (Array &array : arrays) {
    std::memset(array.declared->data, 0xff, array.declared->bytes);
    std::fill(array.elements.begin(), array.elements.end(), Element());
  }
}

int SharedMemory::find(const void *address) const {
  for (size_t i = 0; i < arrays.size(); ++i) {
    auto *begin = static_cast<char *>(arrays[i].declared->data);
    if (address >= begin &&
        address < begin + arrays[i].declared->bytes + behindBytes)
      return int(i);
  }
  return -1;
}

static bool hasMet(uint32_t time, bool isSameSimdgroup,
                   const SharedMemory::Accessor &who) {
  return time < who.threadgroupMet ||
         (isSameSimdgroup && time < who.simdgroupMet);
}

bool SharedMemory::conflictsWithWrite(const Element &element,
                                      const Accessor &who) {
  if (element.writer == Nobody || element.writer == who.thread)
    return false;
  return !hasMet(element.written,
                 element.writer / int(metal_shim::simdWidth) == who.simdgroup,
                 who);
}

bool SharedMemory::conflictsWithReads(const Element &element,
                                      const Accessor &who) {
  if (element.reader == Nobody || element.reader == who.thread)
    return false;
  return !hasMet(element.read,
                 element.reader != Several &&
                     element.readingSimdgroup == who.simdgroup,
                 who);
}

/// Of reads that a write has to wait for, the ones of several threads are
/// remembered together.
void SharedMemory::noteRead(Element &element, const Accessor &who) {
  bool isOther = conflictsWithReads(element, who);
  if (!isOther)
    element.reader = who.thread;
  else if (element.reader != Several &&
           element.readingSimdgroup == who.simdgroup)
    element.reader = Simdgroup;
  else
    element.reader = Several;
  element.readingSimdgroup = who.simdgroup;
  element.read = who.now;
}

std::string SharedMemory::access(int array, const void *address, unsigned bytes,
                                 bool writes, const Accessor &who) {
  Array &touched = arrays[array];
  const metal_shim::Shared &declared = *touched.declared;
  size_t at = static_cast<const char *>(address) -
              static_cast<const char *>(declared.data);
  if (at + bytes > declared.bytes)
    return (llvm::Twine("touches bytes behind the end of '") + declared.name +
            "'")
        .str();
  for (size_t i = at / declared.elementBytes;
       i <= (at + bytes - 1) / declared.elementBytes; ++i) {
    Element &element = touched.elements[i];
    auto say = [&](const char *does, const char *did, int other) {
      std::string whose = other >= 0 ? ("thread " + llvm::Twine(other)).str()
                                     : std::string("another thread");
      return (llvm::Twine(does) + " '" + declared.name + "[" + llvm::Twine(i) +
              "]', which " + whose + " " + did +
              ", without a barrier in between")
          .str();
    };
    if (conflictsWithWrite(element, who))
      return say(writes ? "writes" : "reads", "wrote", element.writer);
    if (!writes) {
      noteRead(element, who);
      continue;
    }
    if (conflictsWithReads(element, who))
      return say("writes", "read", element.reader);
    element.writer = who.thread;
    element.written = who.now;
  }
  return "";
}
