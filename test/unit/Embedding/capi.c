/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*===- capi.c - The C API, used from C
----------------------------------------*\
|*                                                                            *|
|* Parses attention, runs a pipeline by name and sees the op gone; then shows *|
|* that errors arrive as diagnostics.                                         *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "attn-c/Dialects.h"
#include "attn-c/Passes.h"

#include "mlir-c/BuiltinAttributes.h"
#include "mlir-c/Diagnostics.h"
#include "mlir-c/Pass.h"
#include "mlir-c/RegisterEverything.h"

#include <stdio.h>
#include <string.h>

static const char *const kAttention =
    "func.func @f(%q: tensor<1x2x?x16xf32>, %k: tensor<1x2x?x16xf32>,"
    " %v: tensor<1x2x?x16xf32>, %o: tensor<1x2x?x16xf32>)"
    " -> tensor<1x2x?x16xf32> {\n"
    "  %r = attn.attention ins(%q, %k, %v : tensor<1x2x?x16xf32>,"
    " tensor<1x2x?x16xf32>, tensor<1x2x?x16xf32>)"
    " outs(%o : tensor<1x2x?x16xf32>) -> tensor<1x2x?x16xf32>\n"
    "  return %r : tensor<1x2x?x16xf32>\n}\n";

struct Text {
  char bytes[1 << 20];
  size_t size;
};

static void append(MlirStringRef part, void *text) {
  struct Text *to = text;
  size_t room = sizeof to->bytes - 1 - to->size;
  size_t size = part.length < room ? part.length : room;
  memcpy(to->bytes + to->size, part.data, size);
  to->size += size;
}

static MlirLogicalResult onDiagnostic(MlirDiagnostic diagnostic, void *text) {
  mlirDiagnosticPrint(diagnostic, append, text);
  return mlirLogicalResultSuccess();
}

static int failures;
static void expect(int condition, const char *what) {
  if (condition)
    return;
  printf("failed: %s\n", what);
  ++failures;
}

int main(void) {
  static struct Text printed, messages;
  attnRegisterAllPasses();
  attnRegisterAllPasses();
  MlirDialectRegistry registry = mlirDialectRegistryCreate();
  mlirRegisterAllDialects(registry);
  attnRegisterAllDialects(registry);
  MlirContext context = mlirContextCreateWithRegistry(registry, false);
  mlirContextAttachDiagnosticHandler(context, onDiagnostic, &messages, NULL);
  MlirDialect attn =
      mlirDialectHandleLoadDialect(mlirGetDialectHandle__attn__(), context);
  expect(!mlirDialectIsNull(attn), "the handle loads the dialect");

  MlirModule module = mlirModuleCreateParse(
      context, mlirStringRefCreateFromCString(kAttention));
  expect(!mlirModuleIsNull(module), "attention parses");
  MlirPassManager passes = mlirPassManagerCreate(context);
  expect(mlirLogicalResultIsSuccess(mlirParsePassPipeline(
             mlirPassManagerGetAsOpPassManager(passes),
             mlirStringRefCreateFromCString(
                 "builtin.module(attn-to-cpu{chip=x86-64-v3})"),
             append, &messages)),
         "the pipeline is known");
  MlirOperation operation = mlirModuleGetOperation(module);
  expect(mlirLogicalResultIsSuccess(mlirPassManagerRunOnOp(passes, operation)),
         "the pipeline runs");
  mlirOperationPrint(operation, append, &printed);
  expect(strstr(printed.bytes, "scf.parallel") != NULL, "a loop is left");
  expect(strstr(printed.bytes, "attn.attention") == NULL, "the op is gone");
  expect(messages.size == 0, "nothing was complained of");

  MlirModule wrong = mlirModuleCreateParse(
      context,
      mlirStringRefCreateFromCString(
          "func.func @f(%q: tensor<1x2x3x16xf32>, %o: tensor<1x2x3x8xf32>)"
          " -> tensor<1x2x3x8xf32> {\n"
          "  %r = attn.attention ins(%q, %q, %q : tensor<1x2x3x16xf32>,"
          " tensor<1x2x3x16xf32>, tensor<1x2x3x16xf32>)"
          " outs(%o : tensor<1x2x3x8xf32>) -> tensor<1x2x3x8xf32>\n"
          "  return %r : tensor<1x2x3x8xf32>\n}\n"));
  expect(mlirModuleIsNull(wrong), "a wrong output size is refused");
  expect(strstr(messages.bytes, "rule 1") != NULL, "with its rule");

  mlirPassManagerDestroy(passes);
  mlirModuleDestroy(module);
  mlirContextDestroy(context);
  mlirDialectRegistryDestroy(registry);
  if (failures)
    printf("%s%s", printed.bytes, messages.bytes);
  return failures != 0;
}
