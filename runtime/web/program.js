// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A loaded artifact: the variant for a device and its pipelines.

import { chooseVariant, describeKernel, openVariants, widen } from './device.js';
import { fail } from './error.js';
import { GpuCall } from './gpu-call.js';
import { fillHoles } from './holes.js';
import { instantiate, WasmCall } from './wasm-call.js';

function createLayout(device, launch, access) {
  const COMPUTE = 4;
  const entries = Array.from(access, (mode, binding) => ({
    binding,
    visibility: COMPUTE,
    buffer: { type: mode === 'read' ? 'read-only-storage' : 'storage' },
  }));
  // Launches have parameters of their own in one buffer.
  entries.push({ binding: access.length, visibility: COMPUTE, buffer: { type: 'uniform', hasDynamicOffset: true } });
  const group = device.createBindGroupLayout({ label: launch.kernel, entries });
  return { group, layout: device.createPipelineLayout({ bindGroupLayouts: [group] }) };
}

/** Compiles the kernel of a launch, with memory of vectors where it has any; what
 * the device says of it is an error. `plain()` is the same for memory of
 * elements. */
async function createPipeline(device, modules, launch, code) {
  const wide = widen(code);
  if (!modules.has(launch.code)) {
    // The pipeline fails with the module, and with it the caller: no error is left for the page.
    device.pushErrorScope('validation');
    const made = device.createShaderModule({ label: launch.code, code: wide });
    modules.set(launch.code, { module: made, refused: device.popErrorScope().catch(() => null) });
  }
  const { module, refused } = modules.get(launch.code);
  const { access, vectors } = describeKernel(wide, launch.kernel);
  const { group, layout } = createLayout(device, launch, access);
  const describe = (used) => ({ label: launch.kernel, layout, compute: { module: used, entryPoint: launch.kernel } });
  let narrow;
  const plain = () => {
    narrow ??= { group, access, vectors: [], pipeline: device.createComputePipeline(
      describe(device.createShaderModule({ label: launch.code, code }))) };
    return narrow;
  };
  try {
    return { pipeline: await device.createComputePipelineAsync(describe(module)), group, access, vectors, plain };
  } catch (error) {
    const { messages } = await module.getCompilationInfo();
    const lines = messages.map(({ type, lineNum, message }) => `; ${type} in line ${lineNum}: ${message}`).join('');
    const first = await refused, text = lines || (first ? `; ${first.message}` : '');
    fail('DEVICE_ERROR', `the device does not compile the kernel '${launch.kernel}': ${error.message}${text}`,
         { cause: error });
  }
}

export class Program {
  #makeCall;
  #lost = null;

  /** `device` is null for a program that runs on the processor. */
  constructor(device, description, reason, makeCall) {
    this.device = device;
    this.description = description;
    /** Which variant was chosen, and why none of the others. */
    this.reason = reason;
    this.#makeCall = makeCall;
    device?.lost?.then((info) => { this.#lost = info; });
  }

  get arguments() { return this.description.arguments; }

  /** Checks a call and prepares it. `bound` has an entry for each argument, by
   * name or in order: {buffer, shape, strides?, offset?}, {data, shape} or a
   * number; and for results that are not in an argument, if the caller has
   * buffers for them. */
  bind(bound) {
    this.checkDevice();
    return this.#makeCall(this, bound);
  }

  checkDevice() {
    if (this.#lost) fail('DEVICE_ERROR', `the device is lost (${this.#lost.reason}): ${this.#lost.message}`);
  }
}

/** Loads an artifact, an ArrayBuffer or a view of one: what makes most of
 * `device`, or of the processor where that is null or code for it is all. */
export async function loadProgram(device, artifact) {
  return loadVariant(device, chooseVariant(await openVariants(artifact), device));
}

/** Loads what chooseVariant chose; `bodies` fill holes of its shaders, by name. */
export async function loadVariant(device, { variant: { description, codes }, reason }, bodies = {}) {
  if (description.target === 'cpu') {
    fillHoles('', description, bodies);
    const engine = await instantiate(codes.get(description.launches.find(({ code }) => code).code));
    return new Program(null, description, reason, (program, bound) => new WasmCall(program, engine, bound));
  }
  const modules = new Map(), texts = new Map();
  for (const [name, code] of codes) texts.set(name, fillHoles(code, description, bodies));
  const kernels = await Promise.all(description.launches.map((launch) =>
    (launch.code ? createPipeline(device, modules, launch, texts.get(launch.code)) : null)));
  return new Program(device, description, reason, (program, bound) => new GpuCall(program, kernels, bound));
}
