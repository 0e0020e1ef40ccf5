//===- Printer.h - GPU kernels in languages like C --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Prints the kernel normal form of docs/gpu-kernels.md, legal for a target
// (tile-verify-kernel-form). Names, parentheses, indentation and control flow
// are the same for all languages and stand here; a language says how it spells
// types, declarations, casts and functions. Everything else was decided by
// passes, and what they left is refused.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_TARGET_CLIKE_PRINTER_H
#define LIB_TARGET_CLIKE_PRINTER_H

#include "Expression.h"
#include "Names.h"
#include "Statements.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace attn::clike {

class Printer {
public:
  virtual ~Printer();

  /// Prints the functions of a module that may be written later, their bodies
  /// between marks (docs/holes.md), then its kernels; or reports what the
  /// language has no form for. Of more buffers than the target of the module
  /// binds `refuseBuffers` says so.
  mlir::LogicalResult printModule(mlir::gpu::GPUModuleOp module);

protected:
  /// `name` is the language's, for diagnostics.
  Printer(llvm::raw_ostream &os, llvm::StringRef name,
          std::function<bool(llvm::StringRef)> isReserved);

  //===--- What a language says
  //---------------------------------------------===//

  /// How a type is spelled; empty if there is none.
  virtual std::string spellType(mlir::Type type) const = 0;
  /// A name for a value, as in "let x" or "const float x".
  virtual std::string spellConstant(llvm::StringRef type,
                                    llvm::StringRef name) const = 0;
  /// A variable without a value yet, as in "var x: f32" or "float x".
  virtual std::string spellVariable(llvm::StringRef type,
                                    llvm::StringRef name) const = 0;
  /// The same where a value follows that tells the type.
  virtual std::string spellInitialized(llvm::StringRef type,
                                       llvm::StringRef name) const = 0;
  /// Memory of a thread, or of a workgroup.
  virtual std::string spellArray(llvm::StringRef type, llvm::StringRef name,
                                 int64_t count, bool isShared) const = 0;

  /// A field of a struct, with what ends it.
  virtual std::string spellField(llvm::StringRef type,
                                 llvm::StringRef name) const = 0;

  /// A function of scalars up to the opening brace; parameters have a type and
  /// a name.
  using Parameter = std::pair<std::string, std::string>;
  virtual std::string spellHead(llvm::StringRef name,
                                llvm::ArrayRef<Parameter> parameters,
                                llvm::StringRef result) const = 0;
  /// Everything up to the opening brace; parameters get their expressions.
  virtual mlir::LogicalResult printSignature(mlir::gpu::GPUFuncOp kernel) = 0;
  /// Says that a kernel has `count` buffers, more than the `most` of the
  /// target.
  virtual mlir::LogicalResult refuseBuffers(mlir::gpu::GPUFuncOp kernel,
                                            int64_t count,
                                            int64_t most) const = 0;
  /// Workgroup memory that stands in the body.
  virtual mlir::LogicalResult printLocals(mlir::gpu::GPUFuncOp kernel);
  virtual void printBarrier(mlir::gpu::BarrierOp op) = 0;
  /// Statements of the language's own; nothing if it has none for `op`.
  virtual std::optional<mlir::LogicalResult>
  printStatement(mlir::Operation &op);
  /// Expressions of the language's own, which go before those of all; nothing
  /// if it has none for `op`.
  virtual std::optional<mlir::FailureOr<Expression>>
  spellOwn(mlir::Operation &op) = 0;
  /// What a function on numbers is called; empty for what is none. Languages
  /// agree on most.
  virtual llvm::StringRef spellFunction(mlir::Operation &op) const;
  /// A number, finite if it is a float; empty if there is no text for it.
  virtual std::string spellInteger(const llvm::APInt &value,
                                   mlir::Type type) const = 0;
  virtual std::string spellFloat(const llvm::APFloat &value,
                                 mlir::Type type) const = 0;
  /// An operand of a function, where the type of a literal counts.
  virtual Expression spellOperand(mlir::Value value) { return get(value); }
  virtual mlir::FailureOr<Expression> spellCast(mlir::Operation &op,
                                                llvm::StringRef type) = 0;
  virtual Expression spellSelect(mlir::arith::SelectOp op) = 0;
  /// A sum, difference, product, shift to the left or signed quotient, which
  /// wrap.
  virtual Expression spellArithmetic(llvm::StringRef symbol,
                                     Precedence precedence,
                                     mlir::Operation &op) = 0;
  /// An integer as one without sign.
  virtual std::string spellUnsigned(mlir::Value value) = 0;
  /// Whether the result of `op` is printed as its operand.
  virtual bool isRenaming(mlir::Operation *op) const = 0;

  //===--- What all share
  //----------------------------------------------------===//

  llvm::raw_ostream &line() { return os.indent(2 * depth); }
  mlir::FailureOr<std::string> getTypeName(mlir::Operation *op,
                                           mlir::Type type) const;
  std::string declare(llvm::StringRef hint, bool isGlobal = false) {
    return names.declare(hint, isGlobal);
  }
  /// Names the buffers of a kernel in `space`, and declares those that are not
  /// declared by a store.
  mlir::LogicalResult declareBuffers(mlir::gpu::GPUFuncOp kernel,
                                     mlir::gpu::AddressSpace space);
  /// Memrefs and scalars of a kernel, whose block also has the workgroup and
  /// private buffers as arguments.
  struct Arguments {
    explicit Arguments(mlir::gpu::GPUFuncOp kernel);
    llvm::SmallVector<mlir::BlockArgument> buffers, scalars;
  };
  /// Prints the struct of the scalars, which are fields of `params`, up to the
  /// closing brace; returns what it is called.
  mlir::FailureOr<std::string>
  printParams(mlir::gpu::GPUFuncOp kernel,
              llvm::ArrayRef<mlir::BlockArgument> scalars,
              llvm::StringRef params);
  /// What a launcher must know of an argument that is not what the program has;
  /// empty if it is.
  static std::string describe(mlir::gpu::GPUFuncOp kernel,
                              mlir::BlockArgument argument);

  Expression get(mlir::Value value) const { return expressions.lookup(value); }
  void set(mlir::Value value, Expression expression) {
    expressions[value] = std::move(expression);
  }
  /// An element of a buffer, which `spellPosition` counts from its beginning.
  std::string access(mlir::Value memory, mlir::Value index);
  Expression spellPosition(mlir::Value memory, mlir::Value index) const;
  Expression binary(llvm::StringRef symbol, Precedence precedence,
                    mlir::Operation &op);
  Expression call(llvm::StringRef function, mlir::ValueRange operands);
  /// An operator, or a function, on numbers without sign.
  Expression unsignedOp(llvm::StringRef symbol, mlir::Operation &op);
  Expression unsignedCall(llvm::StringRef function, mlir::Operation &op);
  Expression shift(llvm::StringRef symbol, mlir::Operation &op);
  Expression spellBuiltin(mlir::gpu::Dimension dimension,
                          llvm::StringRef vector, mlir::Type type);
  mlir::FailureOr<Expression> refuse(mlir::Operation &op) const;

  llvm::raw_ostream &os;
  std::string language;
  int depth = 0;
  /// A barrier also orders what threads exchange through buffers.
  bool readsWhatItWrites = false;

private:
  /// A name for a field of the parameters, unique among `fields`.
  std::string declareField(mlir::BlockArgument argument,
                           llvm::StringSet<> &fields) const;
  mlir::LogicalResult printKernel(mlir::gpu::GPUFuncOp kernel);
  mlir::LogicalResult printHoles(mlir::gpu::GPUModuleOp module);
  mlir::LogicalResult printHole(mlir::func::FuncOp hole);
  mlir::LogicalResult declareAs(mlir::func::FuncOp hole, llvm::StringRef name,
                                bool isGlobal);

  // Statements.
  void printHeader(mlir::gpu::GPUFuncOp kernel, int64_t threads);
  mlir::LogicalResult printBlock(mlir::Block &block);
  mlir::LogicalResult printRegion(mlir::Region &region,
                                  llvm::ArrayRef<std::string> results);
  mlir::LogicalResult printOp(mlir::Operation &op);
  std::string getName(mlir::Operation &op) const;
  mlir::LogicalResult printValue(mlir::Operation &op);
  mlir::LogicalResult printFor(mlir::scf::ForOp op);
  mlir::LogicalResult printIf(mlir::scf::IfOp op);
  bool isElementOfConstant(mlir::Operation &op);
  mlir::LogicalResult printStore(mlir::memref::StoreOp op);
  mlir::FailureOr<std::string> declareResult(mlir::scf::IfOp op, unsigned k,
                                             bool startsWithElse);
  void assign(mlir::ValueRange values, llvm::ArrayRef<std::string> variables);

  // Expressions.
  mlir::FailureOr<Expression> spell(mlir::Operation &op);
  mlir::FailureOr<Expression> spellConstantOp(mlir::arith::ConstantOp op);
  mlir::FailureOr<Expression> spellLogic(mlir::Operation &op);
  mlir::FailureOr<Expression> spellIntegerOp(mlir::Operation &op);
  Expression divide(llvm::StringRef symbol, mlir::Operation &op);
  Expression compare(mlir::arith::CmpIOp op);
  Expression compare(mlir::arith::CmpFOp op);

  Names names;
  Statements statements;
  llvm::DenseMap<mlir::Value, Expression> expressions;
};

/// A finite number in nine digits, which tell any f32 from its neighbours.
std::string toDecimal(const llvm::APFloat &value);

/// Whether a kernel stores to `buffer`, a parameter, and whether it loads.
struct Accesses {
  explicit Accesses(mlir::BlockArgument buffer);
  bool isWritten = false, isRead = false;
};

} // namespace attn::clike

#endif // LIB_TARGET_CLIKE_PRINTER_H
