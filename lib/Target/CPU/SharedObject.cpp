//===- SharedObject.cpp - A shared object of what needs no linker ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels are code and constants that refer to each other by their distance: a
// linker would put tables before them with which names are found, and so does
// this, without a process that takes longer to start than to work.
//
//===----------------------------------------------------------------------===//

#include "SharedObject.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Object/ELF.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

using namespace attn;
using llvm::object::ELF64LE;
namespace elf = llvm::ELF;

namespace {
/// Lays out a file whose bytes have their offset as address, but for the last
/// section, which is written when it is loaded and so has pages of its own.
class Writer {
public:
  explicit Writer(const llvm::object::ELFFile<ELF64LE> &object)
      : object(object) {}

  bool readSections();
  bool readSymbols();
  bool relocate();
  std::string finish();

private:
  static constexpr uint64_t pageBytes = 4096, lineBytes = 64;
  enum { Null, Names, Strings, Hash, FirstCopied };

  struct Section {
    std::string name;
    ELF64LE::Shdr header;
  };

  /// Appends a section; its bytes begin at a multiple of `align`.
  void append(llvm::StringRef name, uint32_t type, uint64_t flags,
              uint64_t align, llvm::StringRef contents, uint64_t entryBytes = 0,
              uint32_t link = 0, uint32_t info = 0);
  void writeDynamic();
  void writeSectionHeaders();
  void writeFileHeaders();

  template <typename T> static llvm::StringRef bytesOf(llvm::ArrayRef<T> data) {
    return {reinterpret_cast<const char *>(data.data()),
            data.size() * sizeof(T)};
  }
  template <typename T> void put(uint64_t offset, llvm::ArrayRef<T> data) {
    llvm::copy(bytesOf(data), bytes.begin() + offset);
  }

  static constexpr unsigned numSegments = 4;
  const llvm::object::ELFFile<ELF64LE> &object;
  std::string bytes = std::string(
      sizeof(ELF64LE::Ehdr) + numSegments * sizeof(ELF64LE::Phdr), '\0');
  std::vector<Section> sections;
  /// Sections of the object, by number, that are loaded; where each lies here.
  llvm::SmallVector<const ELF64LE::Shdr *> copied;
  llvm::SmallVector<uint64_t> addresses;
  llvm::ArrayRef<ELF64LE::Shdr> given;
  ELF64LE::SymRange symbols;
  /// What is exported, and its name.
  llvm::SmallVector<ELF64LE::Sym> exported;
  std::string strings = std::string(1, '\0');
  uint64_t dynamicOffset = 0;
};
} // namespace

/// Where an optional part of LLVM's readers is missing, a linker may tell why.
template <typename T> static bool get(llvm::Expected<T> expected, T &value) {
  if (!expected) {
    llvm::consumeError(expected.takeError());
    return false;
  }
  value = std::move(*expected);
  return true;
}

bool Writer::readSections() {
  if (!get(object.sections(), given))
    return false;
  for (const ELF64LE::Shdr &section : given) {
    if (!(section.sh_flags & elf::SHF_ALLOC) || section.sh_size == 0)
      continue;
    constexpr uint64_t known =
        elf::SHF_ALLOC | elf::SHF_EXECINSTR | elf::SHF_MERGE | elf::SHF_STRINGS;
    if (section.sh_type != elf::SHT_PROGBITS || (section.sh_flags & ~known))
      return false;
    copied.push_back(&section);
  }
  return true;
}

bool Writer::readSymbols() {
  exported.emplace_back();
  for (const ELF64LE::Shdr &section : given) {
    if (section.sh_type != elf::SHT_SYMTAB)
      continue;
    llvm::StringRef names;
    if (!get(object.symbols(&section), symbols) ||
        !get(object.getStringTableForSymtab(section), names))
      return false;
    for (const ELF64LE::Sym &symbol : symbols) {
      if (symbol.getBinding() == elf::STB_LOCAL)
        continue;
      llvm::StringRef name;
      const auto *place = llvm::find_if(copied, [&](const ELF64LE::Shdr *s) {
        return s == given.begin() + symbol.st_shndx;
      });
      if (place == copied.end() || symbol.getType() != elf::STT_FUNC ||
          !get(symbol.getName(names), name))
        return false;
      exported.push_back(symbol);
      exported.back().st_name = strings.size();
      exported.back().st_shndx = FirstCopied + (place - copied.begin());
      strings += name.str() + '\0';
    }
  }
  // One chain of all names: there are few, and each is asked for once.
  uint32_t count = exported.size();
  llvm::SmallVector<llvm::support::ulittle32_t> chain(3 + count);
  chain[0] = 1;
  chain[1] = count;
  chain[2] = count > 1 ? 1 : 0;
  for (uint32_t k = 1; k + 1 < count; ++k)
    chain[3 + k] = k + 1;

  sections.emplace_back();
  append(".dynsym", elf::SHT_DYNSYM, elf::SHF_ALLOC, sizeof(uint64_t),
         bytesOf<ELF64LE::Sym>(exported), sizeof(ELF64LE::Sym), Strings,
         /*info=*/1);
  append(".dynstr", elf::SHT_STRTAB, elf::SHF_ALLOC, 1, strings);
  append(".hash", elf::SHT_HASH, elf::SHF_ALLOC, sizeof(uint64_t),
         bytesOf<llvm::support::ulittle32_t>(chain), sizeof(uint32_t), Names);
  return true;
}

bool Writer::relocate() {
  addresses.assign(given.size(), 0);
  for (const ELF64LE::Shdr *section : copied) {
    llvm::StringRef name;
    llvm::ArrayRef<uint8_t> contents;
    if (!get(object.getSectionName(*section), name) ||
        !get(object.getSectionContents(*section), contents))
      return false;
    append(name, section->sh_type, section->sh_flags,
           std::max<uint64_t>(section->sh_addralign, lineBytes),
           bytesOf(contents), section->sh_entsize);
    addresses[section - given.begin()] = sections.back().header.sh_addr;
  }
  for (ELF64LE::Sym &symbol : llvm::drop_begin(exported))
    symbol.st_value += sections[symbol.st_shndx].header.sh_addr;
  put<ELF64LE::Sym>(sections[Names].header.sh_offset, exported);

  for (const ELF64LE::Shdr &section : given) {
    if (section.sh_type != elf::SHT_RELA && section.sh_type != elf::SHT_REL)
      continue;
    uint64_t base = addresses[section.sh_info];
    if (!base)
      continue; // Not loaded.
    ELF64LE::RelaRange relocations;
    if (section.sh_type == elf::SHT_REL ||
        !get(object.relas(section), relocations))
      return false;
    for (const ELF64LE::Rela &relocation : relocations) {
      uint32_t type = relocation.getType(/*isMips64EL=*/false);
      const ELF64LE::Sym &symbol = symbols[relocation.getSymbol(false)];
      uint64_t target =
          symbol.st_shndx < given.size() ? addresses[symbol.st_shndx] : 0;
      if (!target ||
          (type != elf::R_X86_64_PC32 && type != elf::R_X86_64_PLT32))
        return false;
      uint64_t place = base + relocation.r_offset;
      int64_t distance = target + symbol.st_value + relocation.r_addend - place;
      if (!llvm::isInt<32>(distance))
        return false;
      llvm::support::endian::write32le(&bytes[place], distance);
    }
  }
  return true;
}

void Writer::append(llvm::StringRef name, uint32_t type, uint64_t flags,
                    uint64_t align, llvm::StringRef contents,
                    uint64_t entryBytes, uint32_t link, uint32_t info) {
  bytes.resize(llvm::alignTo(bytes.size(), align));
  Section section{name.str(), {}};
  section.header.sh_type = type;
  section.header.sh_flags = flags;
  section.header.sh_offset = bytes.size();
  section.header.sh_addr = flags & elf::SHF_ALLOC ? bytes.size() : 0;
  section.header.sh_size = contents.size();
  section.header.sh_addralign = align;
  section.header.sh_entsize = entryBytes;
  section.header.sh_link = link;
  section.header.sh_info = info;
  bytes += contents;
  sections.push_back(std::move(section));
}

/// The loader adds to these addresses where it has put the object.
void Writer::writeDynamic() {
  std::pair<uint64_t, uint64_t> entries[] = {
      {elf::DT_HASH, sections[Hash].header.sh_addr},
      {elf::DT_STRTAB, sections[Strings].header.sh_addr},
      {elf::DT_SYMTAB, sections[Names].header.sh_addr},
      {elf::DT_STRSZ, strings.size()},
      {elf::DT_SYMENT, sizeof(ELF64LE::Sym)},
      {elf::DT_NULL, 0}};
  llvm::SmallVector<ELF64LE::Dyn> dynamic;
  for (auto [tag, value] : entries) {
    ELF64LE::Dyn &entry = dynamic.emplace_back();
    entry.d_tag = tag;
    entry.d_un.d_val = value;
  }
  append(".dynamic", elf::SHT_DYNAMIC, elf::SHF_ALLOC | elf::SHF_WRITE,
         sizeof(uint64_t), bytesOf<ELF64LE::Dyn>(dynamic), sizeof(ELF64LE::Dyn),
         Strings);
  ELF64LE::Shdr &header = sections.back().header;
  dynamicOffset = header.sh_offset;
  header.sh_addr = dynamicOffset + pageBytes;
}

/// For tools that look into the file; loaders do not read them.
void Writer::writeSectionHeaders() {
  llvm::StringRef name = ".shstrtab";
  std::string names(1, '\0');
  for (Section &section : llvm::drop_begin(sections)) {
    section.header.sh_name = names.size();
    names += section.name + '\0';
  }
  uint32_t nameOffset = names.size();
  names += name.str() + '\0';
  append(name, elf::SHT_STRTAB, 0, 1, names);
  sections.back().header.sh_name = nameOffset;
  bytes.resize(llvm::alignTo(bytes.size(), sizeof(uint64_t)));
}

void Writer::writeFileHeaders() {
  uint64_t loaded = sections.back().header.sh_offset;
  ELF64LE::Phdr segments[numSegments] = {};
  auto describe = [&](ELF64LE::Phdr &segment, uint32_t type, uint32_t flags,
                      uint64_t offset, uint64_t address, uint64_t size,
                      uint64_t align) {
    segment.p_type = type;
    segment.p_flags = flags;
    segment.p_offset = offset;
    segment.p_vaddr = address;
    segment.p_paddr = address;
    segment.p_filesz = size;
    segment.p_memsz = size;
    segment.p_align = align;
  };
  uint64_t dynamicBytes = loaded - dynamicOffset;
  describe(segments[0], elf::PT_LOAD, elf::PF_R | elf::PF_X, 0, 0,
           dynamicOffset, pageBytes);
  describe(segments[1], elf::PT_LOAD, elf::PF_R | elf::PF_W, dynamicOffset,
           dynamicOffset + pageBytes, dynamicBytes, pageBytes);
  describe(segments[2], elf::PT_DYNAMIC, elf::PF_R | elf::PF_W, dynamicOffset,
           dynamicOffset + pageBytes, dynamicBytes, sizeof(uint64_t));
  // Without this a loader would make stacks executable.
  describe(segments[3], elf::PT_GNU_STACK, elf::PF_R | elf::PF_W, 0, 0, 0, 1);

  ELF64LE::Ehdr header = object.getHeader();
  header.e_type = elf::ET_DYN;
  header.e_phoff = sizeof(header);
  header.e_phentsize = sizeof(ELF64LE::Phdr);
  header.e_phnum = numSegments;
  header.e_shoff = bytes.size();
  header.e_shnum = sections.size();
  header.e_shstrndx = sections.size() - 1;
  put<ELF64LE::Ehdr>(0, header);
  put<ELF64LE::Phdr>(sizeof(header), segments);
  for (const Section &section : sections)
    bytes += bytesOf<ELF64LE::Shdr>(section.header);
}

std::string Writer::finish() {
  writeDynamic();
  writeSectionHeaders();
  writeFileHeaders();
  return std::move(bytes);
}

std::optional<std::string> attn::makeSharedObject(llvm::StringRef object) {
  auto file = llvm::object::ELFFile<ELF64LE>::create(object);
  if (!file) {
    llvm::consumeError(file.takeError());
    return std::nullopt;
  }
  Writer writer(*file);
  if (!writer.readSections() || !writer.readSymbols() || !writer.relocate())
    return std::nullopt;
  return writer.finish();
}
