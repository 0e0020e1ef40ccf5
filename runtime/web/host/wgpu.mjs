// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A device of wgpu for the host: what the module asks of a GPUDevice goes to
// wgpu_device.py, a line each, in order; only what is awaited is answered.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const packages = process.env.ATTN_WEB_PYTHON ?? fileURLToPath(new URL('../../../.cache/web/python', import.meta.url));

const encode = (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
/** Objects of the device are their numbers there. */
const refer = (value) => {
  if (Array.isArray(value)) return value.map(refer);
  if (value?.id !== undefined) return { id: value.id };
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, refer(inner)]));
};

class Server {
  #child = spawn('python3', [fileURLToPath(new URL('wgpu_device.py', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, PYTHONPATH: packages },
  });
  #lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  #next = 1;
  /** Answers come in the order of the questions. */
  #answered = Promise.resolve();

  send(command, operands) { this.#child.stdin.write(`${JSON.stringify({ command, ...refer(operands) })}\n`); }
  make(command, operands, more = {}) {
    const id = this.#next++;
    this.send(command, { ...operands, result: id });
    return { id, ...more };
  }
  ask(command, operands = {}) {
    this.send(command, operands);
    const answer = this.#answered.then(async () => {
      const { value, done } = await this.#lines.next();
      if (done) throw new Error('wgpu has ended; what it wrote above says why');
      return JSON.parse(value);
    });
    this.#answered = answer.catch(() => {});
    return answer;
  }
}

function makeEncoder(server) {
  const commands = [];
  return {
    clearBuffer: (buffer) => commands.push(['clear', buffer]),
    copyBufferToBuffer: (from, at, to, to_at, size) => commands.push(['copy', from, at, to, to_at, size]),
    beginComputePass() {
      commands.push(['begin']);
      return {
        setPipeline: (pipeline) => commands.push(['pipeline', pipeline]),
        setBindGroup: (index, group, offsets = []) => commands.push(['group', index, group, offsets]),
        dispatchWorkgroups: (...groups) => commands.push(['dispatch', ...groups]),
        end: () => commands.push(['end']),
      };
    },
    finish: () => server.make('encode', { commands }),
  };
}

function makeDevice(server, { limits, features, adapterInfo }) {
  const makeBuffer = (descriptor) => {
    let mapped;
    const bytes = descriptor.mappedAtCreation ? new Uint8Array(descriptor.size) : undefined;
    const { size, usage, label = '' } = descriptor;
    const buffer = server.make('buffer', { size, usage, label }, { size, usage });
    return Object.assign(buffer, {
      getMappedRange: () => (bytes ?? mapped).buffer,
      unmap() { if (bytes) server.send('write', { buffer, at: 0, data: encode(bytes) }); },
      async mapAsync() { mapped = Uint8Array.from(Buffer.from((await server.ask('read', { buffer })).data, 'base64')); },
      destroy() { server.send('destroy', { buffer }); },
    });
  };
  const createComputePipeline = ({ layout, compute: { module, entryPoint } }) =>
    server.make('pipeline', { layout, module, entry: entryPoint });
  return {
    limits,
    features: new Set(features),
    adapterInfo,
    lost: new Promise(() => {}),
    queue: {
      writeBuffer: (buffer, at, data) => server.send('write', { buffer, at, data: encode(data) }),
      submit: (buffers) => server.send('submit', { buffers }),
      onSubmittedWorkDone: () => server.ask('wait'),
    },
    createBuffer: makeBuffer,
    createShaderModule: ({ code }) =>
      server.make('shader', { code }, { getCompilationInfo: async () => ({ messages: [] }) }),
    createBindGroupLayout: ({ entries }) => server.make('groupLayout', { entries }),
    createPipelineLayout: ({ bindGroupLayouts }) => server.make('layout', { groups: bindGroupLayouts }),
    createComputePipeline,
    async createComputePipelineAsync(descriptor) {
      const pipeline = createComputePipeline(descriptor);
      const { error } = await server.ask('errors');
      if (error) throw new Error(error);
      return pipeline;
    },
    createBindGroup: ({ layout, entries }) => server.make('group', { layout, entries }),
    createCommandEncoder: () => makeEncoder(server),
    pushErrorScope() {},
    async popErrorScope() {
      const { error } = await server.ask('errors');
      return error ? { message: error } : null;
    },
  };
}

/** An adapter of wgpu of the Vulkan driver that the environment names. */
export async function requestAdapter() {
  globalThis.GPUBufferUsage ??= { MAP_READ: 0x1, COPY_SRC: 0x4, COPY_DST: 0x8, UNIFORM: 0x40, STORAGE: 0x80 };
  const server = new Server();
  const { limits, features, info } = await server.ask('adapter');
  return {
    limits,
    features: new Set(features),
    info,
    async requestDevice({ requiredFeatures, requiredLimits }) {
      const { error } = await server.ask('device', { features: requiredFeatures, limits: requiredLimits });
      if (error) throw new Error(error);
      return makeDevice(server, { limits: { ...limits, ...requiredLimits }, features: requiredFeatures, adapterInfo: info });
    },
  };
}
