//===- Object.cpp - The functions of a package as machine code ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each function puts its parameters into an array of words and hands it to the
// runtime (runtime/aot/Kernel.cpp) with the artifact, which lies beside it.
//
//===----------------------------------------------------------------------===//

#include "PackageFunctions.h"

#include "attn/Target/CPU.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Target/TargetMachine.h"

using namespace llvm;
using namespace attn;

namespace {

class LibraryBuilder {
public:
  LibraryBuilder(Module &module)
      : module(module), context(module.getContext()), builder(context),
        pointer(builder.getPtrTy()), word(builder.getInt64Ty()),
        status(builder.getInt32Ty()) {}

  void addUse(StringRef package);
  void addFunction(const CFunction &function);

private:
  FunctionCallee runtime(StringRef name, Type *result, ArrayRef<Type *> types) {
    return module.getOrInsertFunction(
        name, FunctionType::get(result, types, /*isVarArg=*/false));
  }
  Function *define(StringRef name, Type *result, ArrayRef<Type *> types);
  Type *typeOf(const CParameter &parameter);
  Value *toWord(Value *value, const CParameter &parameter);
  Constant *embed(const CFunction &function);

  Module &module;
  LLVMContext &context;
  IRBuilder<> builder;
  Type *pointer, *word, *status;
};

} // namespace

Function *LibraryBuilder::define(StringRef name, Type *result,
                                 ArrayRef<Type *> types) {
  auto *function =
      Function::Create(FunctionType::get(result, types, /*isVarArg=*/false),
                       GlobalValue::ExternalLinkage, name, module);
  // Whoever unwinds a thread must get past it.
  function->setUWTableKind(UWTableKind::Default);
  builder.SetInsertPoint(BasicBlock::Create(context, "", function));
  return function;
}

void LibraryBuilder::addUse(StringRef package) {
  Function *function =
      define((package + "_use").str(), builder.getVoidTy(), pointer);
  builder.CreateCall(runtime("attn_kernel_use", builder.getVoidTy(), pointer),
                     function->getArg(0));
  builder.CreateRetVoid();
}

Type *LibraryBuilder::typeOf(const CParameter &parameter) {
  StringRef type = toCType(parameter.dtype);
  if (type == "float")
    return builder.getFloatTy();
  if (type == "double")
    return builder.getDoubleTy();
  return type == "int32_t"   ? builder.getInt32Ty()
         : type == "int64_t" ? builder.getInt64Ty()
                             : builder.getInt8Ty();
}

Value *LibraryBuilder::toWord(Value *value, const CParameter &parameter) {
  Type *type = value->getType();
  if (type->isFloatingPointTy())
    value = builder.CreateBitCast(
        value, builder.getIntNTy(type->getScalarSizeInBits()));
  // Of integers the sign counts; an i1 is 0 or 1.
  return parameter.dtype == "i1" || type->isFloatingPointTy()
             ? builder.CreateZExt(value, word)
             : builder.CreateSExt(value, word);
}

/// The attn_kernel of a function: the address and the size of its artifact.
Constant *LibraryBuilder::embed(const CFunction &function) {
  Constant *bytes = ConstantDataArray::getString(context, function.artifact,
                                                 /*AddNull=*/false);
  auto *artifact = new GlobalVariable(
      module, bytes->getType(), /*isConstant=*/true,
      GlobalValue::InternalLinkage, bytes, function.name + ".artifact");
  artifact->setAlignment(Align(64));
  Constant *fields[] = {artifact, builder.getInt64(function.artifact.size())};
  Constant *kernel = ConstantStruct::getAnon(fields);
  return new GlobalVariable(module, kernel->getType(), /*isConstant=*/true,
                            GlobalValue::InternalLinkage, kernel,
                            function.name + ".kernel");
}

void LibraryBuilder::addFunction(const CFunction &function) {
  SmallVector<Type *> types;
  size_t words = 0;
  for (const CParameter &parameter : function.parameters) {
    types.append(parameter.isScalar ? 1 : 3,
                 parameter.isScalar ? typeOf(parameter) : pointer);
    words += parameter.isScalar ? 1 : 3;
  }
  types.append(2, pointer); // stream, error
  Constant *kernel = embed(function);

  Function *call = define(function.name, status, types);
  Value *array =
      builder.CreateAlloca(word, builder.getInt32(std::max<size_t>(words, 1)));
  unsigned index = 0;
  auto store = [&](Value *value) {
    builder.CreateStore(value,
                        builder.CreateConstGEP1_64(word, array, index++));
  };
  for (const CParameter &parameter : function.parameters) {
    if (parameter.isScalar) {
      // The index is that of the argument, too.
      store(toWord(call->getArg(index), parameter));
      continue;
    }
    for (int i = 0; i < 3; ++i)
      store(call->getArg(index));
  }
  Value *arguments[] = {kernel, array, call->getArg(index),
                        call->getArg(index + 1)};
  builder.CreateRet(builder.CreateCall(
      runtime("attn_kernel_call", status, {pointer, pointer, pointer, pointer}),
      arguments));

  Function *explain = define(function.name + "_explain", pointer, pointer);
  builder.CreateRet(builder.CreateCall(
      runtime("attn_kernel_explain", pointer, {pointer, pointer}),
      {kernel, explain->getArg(0)}));
}

Expected<std::string> attn::makeObject(StringRef package,
                                       ArrayRef<CFunction> functions,
                                       const Triple &triple) {
  initializeCPUCodeGenerators();
  LLVMContext context;
  Module module(package, context);
  std::string error;
  const llvm::Target *target = TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return createStringError(error);
  // Any processor of the kind: the artifact says which code is for which.
  std::unique_ptr<TargetMachine> machine(target->createTargetMachine(
      triple, /*CPU=*/"", /*Features=*/"", llvm::TargetOptions(), Reloc::PIC_));
  module.setTargetTriple(triple);
  module.setDataLayout(machine->createDataLayout());
  module.setPICLevel(PICLevel::BigPIC);

  LibraryBuilder library(module);
  library.addUse(package);
  for (const CFunction &function : functions)
    library.addFunction(function);

  SmallString<0> object;
  raw_svector_ostream os(object);
  legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, os, nullptr,
                                   CodeGenFileType::ObjectFile))
    return createStringError("LLVM cannot write object files for " +
                             triple.str());
  passes.run(module);
  return object.str().str();
}
