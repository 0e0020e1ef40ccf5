// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs artifacts of the attention compiler on WebGPU, and on the
// processor where there is none. No dependencies.

export { AttnError } from './error.js';
export { chooseVariant, describeDevice, openVariants } from './device.js';
export { Expression, ExpressionError, printRegions } from './expression.js';
export { compileHoles } from './holes.js';
export { loadProgram, loadVariant, Program } from './program.js';
