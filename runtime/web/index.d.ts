// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Types of attn-web. GPU types are those of @webgpu/types or TypeScript's DOM
// library.

export type Dtype = 'f32' | 'f16' | 'bf16' | 'f64' | 'i1' | 'i8' | 'i32' | 'i64';

export type ErrorCode =
  | 'INVALID_ARGUMENT' | 'UNSUPPORTED_VERSION' | 'MALFORMED_ARTIFACT' | 'CORRUPTED_ARTIFACT'
  | 'UNSUPPORTED_DEVICE' | 'OUT_OF_MEMORY' | 'NOT_FOUND' | 'DEVICE_ERROR';

/** Every error of this module. */
export class AttnError extends Error {
  /** A status of the C API, without ATTN_ERROR_. */
  readonly code: ErrorCode;
  /** The rule of docs/semantics.md that the message names. */
  readonly rule: number | undefined;
}

/** A tensor in a buffer of the caller, which was created with STORAGE usage. */
export interface BufferTensor {
  buffer: GPUBuffer;
  shape: number[];
  /** In elements, of either sign; dense and row-major without it. */
  strides?: number[];
  /** Bytes from the start of the buffer to the element whose indices are 0. */
  offset?: number;
  /** What the buffer holds: 'i32' or 'f32' where the program has i64 or f64. */
  dtype?: Dtype;
}

/** A Float16Array, where the library of TypeScript has it. */
export interface HalfArray extends ArrayBufferView {
  readonly length: number;
  readonly [Symbol.toStringTag]: 'Float16Array';
}

export type TensorData =
  | HalfArray | Float32Array | Float64Array | BigInt64Array | Int32Array | Int8Array | Uint8Array | Uint16Array;

/** An array of the host. On a GPU it is dense: the call copies it when it is
 * bound, and converts i64 to i32 and f64 to f32 with a check (rule 8). On the
 * processor it is read, and written, in every run. f16 and bf16 are Uint16Array
 * (or Float16Array), i1 is Uint8Array. */
export interface HostTensor {
  data: TensorData;
  shape: number[];
  /** On the processor, as in BufferTensor. */
  strides?: number[];
  offset?: number;
}

export type Bound = BufferTensor | HostTensor | number | bigint | boolean;

export interface Tensor {
  /** On a GPU. */
  buffer?: GPUBuffer;
  /** On the processor. */
  data?: TensorData;
  shape: number[];
  strides: number[];
  offset: number;
  dtype: Dtype;
}

export interface Argument {
  readonly name: string;
  readonly kind: 'buffer' | 'scalar';
  readonly dtype: Dtype | 'index';
  readonly shape?: readonly (number | '?')[];
  readonly access?: 'read' | 'write' | 'readwrite';
}

/** What the sizes of one call amount to; bound tensors may be rewritten, a call
 * of other sizes or buffers is another one. */
export interface Call {
  /** In the order of the function. Those that were not bound have buffers that
   * destroy() frees. */
  readonly results: Tensor[];
  readonly allocatedBytes: number;
  tensor(name: string): Tensor;
  /** A named quantity of the artifact, such as 'flops'. */
  metric(name: string): number;
  /** Adds the computation to an encoder of the caller: one compute pass. On the
   * processor there is run() alone. */
  encode(encoder: GPUCommandEncoder, pass?: GPUComputePassDescriptor): void;
  /** Encodes and submits, and reports what the device says of it. */
  run(): Promise<void>;
  /** The elements of a tensor that was created with COPY_SRC, dense. */
  read(tensor: Tensor): Promise<Uint8Array>;
  destroy(): void;
}

export class Program {
  /** null: the program runs on the processor. */
  readonly device: GPUDevice | null;
  readonly arguments: readonly Argument[];
  /** Which variant was chosen, and why none of the others. */
  readonly reason: string;
  bind(bound: Record<string, Bound> | Bound[]): Call;
}

/** A function of a shader that is written when it is loaded (docs/holes.md). */
export interface Hole {
  readonly name: string;
  readonly dtype: 'f32' | 'i32' | 'i1';
  readonly parameters: readonly { readonly name: string; readonly dtype: 'f32' | 'i32' | 'i1' }[];
}

export interface Variant {
  /** 'wgsl:webgpu' */
  readonly name: string;
  readonly description: { readonly holes: readonly Hole[] };
  readonly needs: { features: string[]; limits: Record<string, number> };
}

/** Loads an artifact: what makes most of `device`, or of the processor where that
 * is null or code for it (--target=cpu:wasm32) is all there is. */
export function loadProgram(device: GPUDevice | null, artifact: ArrayBuffer | ArrayBufferView): Promise<Program>;

export function openVariants(artifact: ArrayBuffer | ArrayBufferView): Promise<Variant[]>;

/** The variant that makes most of a device or adapter, and why that one. */
export function chooseVariant(
  variants: Variant[], device: GPUDevice | GPUAdapter | null): { variant: Variant; reason: string };

/** For requestDevice: what the best variants of `artifacts` need. */
export function describeDevice(
  adapter: GPUAdapter, ...artifacts: (ArrayBuffer | ArrayBufferView)[]): Promise<GPUDeviceDescriptor>;

/** Loads what chooseVariant chose. `bodies` are statements of WGSL for holes, by
 * name: those of compileHoles, or written by hand. */
export function loadVariant(
  device: GPUDevice | null, choice: { variant: Variant; reason: string }, bodies?: Record<string, string>): Promise<Program>;

/** What is wrong with an expression, and where. */
export class ExpressionError extends AttnError {
  /** From 1 on. */
  readonly column: number;
}

/** A scalar expression in the language of docs/holes.md. */
export class Expression {
  /** Throws an ExpressionError. An integer becomes a float where `dtype` is f32. */
  constructor(text: string, parameters: Hole['parameters'], dtype: Hole['dtype']);
  readonly text: string;
  evaluate(values: Record<string, number | boolean>): number | boolean;
  /** The body of a function in WGSL. */
  toWgsl(): string;
  /** Of the function of `parameters` that says whether a condition may hold in a
   * tile. */
  toTileTest(parameters: readonly { readonly name: string }[]): string;
  /** Ops of a region up to its attn.yield, for the SSA values of parameters. */
  toRegion(values: Record<string, string>): string;
}

/** Text for the holes of an attention, with `suffix` of the one that is not the
 * first: its score and its mask, or one of them. */
export function compileHoles(
  description: { readonly holes: readonly Hole[] }, texts: { score?: string; mask?: string }, suffix?: string):
  { bodies: Record<string, string>; score?: Expression; mask?: Expression };

/** The same expressions as regions of attn.attention. A capture with `heads` is a
 * table with a number for each of them. */
export function printRegions(
  regions: { score?: Expression; mask?: Expression }, captures?: { name: string; dtype: string; heads?: number }[]): string;
