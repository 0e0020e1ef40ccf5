// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the "json" section of an artifact says, checked: its fields, and its
// expressions as functions of a call's sizes.

import { fail, refuse } from './error.js';

const malformed = (path, what) => fail('MALFORMED_ARTIFACT', `malformed artifact: ${path}: ${what}`);

/** Fields of each object; what is not named here is refused. `!` marks those
 * that must be there. */
const FIELDS = {
  artifact: 'format! version! target! chip features entry! arguments! symbols results! temporaries launches! checks memory metrics metadata holes',
  bundle: 'format! version! variants!',
  variant: 'target! chip entry features section!',
  argument: 'name! kind! dtype! shape access narrowed strides',
  result: 'name! dtype! shape! argument dense',
  temporary: 'name! bytes! align zero restored',
  launch: 'kernel! code grid! order block shared stack when args!',
  buffer: 'buffer! offset multiple',
  value: 'value! type! multiple',
  scalar: 'scalar!',
  check: 'expr! message! values forall',
  named: 'name! expr!',
  hole: 'name! dtype! parameters!',
  parameter: 'name! dtype!',
};

function checkFields(object, kind, path) {
  if (object === null || typeof object !== 'object' || Array.isArray(object)) malformed(path, 'expected an object');
  const words = FIELDS[kind].split(' ');
  const known = words.map((word) => word.replace('!', ''));
  for (const field of Object.keys(object))
    if (!known.includes(field)) malformed(path, `unknown field '${field}'; another version of the compiler may have written it`);
  for (const word of words)
    if (word.endsWith('!') && !(word.slice(0, -1) in object)) malformed(path, `'${word.slice(0, -1)}' is missing`);
}

/** JSON in which integers that a double does not hold are bigints. */
export function parseJson(bytes) {
  const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  const marked = text.replace(/"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g,
    (token) => (token[0] === '"' ? token : `"#${token}"`));
  try {
    return JSON.parse(marked, (_, value) =>
      (typeof value === 'string' && /^#-?\d{16,}$/.test(value) ? BigInt(value.slice(1)) : value));
  } catch (error) {
    malformed('$', error.message);
  }
}

//===-- Expressions -------------------------------------------------------===//

const truth = (value) => (value ? 1n : 0n);
const floorDivide = (a, b) => a / b - truth(a % b !== 0n && a < 0n !== b < 0n);
/** Operators: fewest operands, whether there may be more, the function. */
const OPERATORS = {
  add: [1, true, (a, b) => a + b],
  sub: [2, false, (a, b) => a - b],
  mul: [1, true, (a, b) => a * b],
  floordiv: [2, false, floorDivide],
  ceildiv: [2, false, (a, b) => -floorDivide(-a, b)],
  mod: [2, false, (a, b) => a - b * floorDivide(a, b)],
  min: [1, true, (a, b) => (a < b ? a : b)],
  max: [1, true, (a, b) => (a > b ? a : b)],
  lt: [2, false, (a, b) => truth(a < b)],
  le: [2, false, (a, b) => truth(a <= b)],
  gt: [2, false, (a, b) => truth(a > b)],
  ge: [2, false, (a, b) => truth(a >= b)],
  eq: [2, false, (a, b) => truth(a === b)],
  ne: [2, false, (a, b) => truth(a !== b)],
};
const DIVISIONS = ['floordiv', 'ceildiv', 'mod'];

/** As the description has it, for messages. */
export function printExpression(node) {
  return JSON.stringify(node, (_, value) => (typeof value === 'bigint' ? `#${value}#` : value))
    .replace(/"#(-?\d+)#"/g, '$1');
}

/** The function of a call that computes `node` in 64 bits, as a bigint. A call
 * answers dim(name, axis), stride(name, axis), scalar(name) and symbol(name). */
export function compile(node, path, names) {
  if (typeof node === 'bigint' || Number.isInteger(node)) {
    const value = BigInt(node);
    return () => value;
  }
  if (!Array.isArray(node) || typeof node[0] !== 'string')
    malformed(path, 'expected an expression: an integer or ["operator", ...]');
  const [name, ...operands] = node;
  const expect = (fewest, most) => {
    if (operands.length < fewest || operands.length > most)
      malformed(path, `'${name}' with ${operands.length} operands`);
  };
  const inner = () => operands.map((operand, n) => compile(operand, `${path}[${n + 1}]`, names));

  if (name === 'dim' || name === 'stride') {
    expect(2, 2);
    const [buffer, axis] = operands;
    const rank = names.ranks.get(buffer);
    if (rank === undefined) malformed(path, `no argument or result is called '${buffer}'`);
    if (!Number.isInteger(axis) || axis < 0 || axis >= rank) malformed(path, `'${buffer}' has rank ${rank}`);
    return (call) => BigInt(call[name](buffer, axis));
  }
  if (name === 'scalar' || name === 'symbol') {
    expect(1, 1);
    if (!names[`${name}s`].has(operands[0])) malformed(path, `no ${name} is called '${operands[0]}'`);
    return (call) => call[name](operands[0]);
  }
  if (name === 'threads') {
    expect(0, 0);
    return (call) => BigInt(call.threads());
  }
  if (names.loops !== undefined && name === 'index') {
    expect(1, 1);
    if (!(operands[0] >= 0 && operands[0] < names.loops)) malformed(path, `there are ${names.loops} loops`);
    return (call) => call.index(operands[0]);
  }
  if (names.loops !== undefined && name === 'load') {
    expect(2, 2);
    if (!names.ranks.has(operands[0])) malformed(path, `no buffer argument is called '${operands[0]}'`);
    const distance = compile(operands[1], `${path}[2]`, names);
    return (call) => call.load(operands[0], distance(call));
  }
  if (name === 'select') {
    expect(3, 3);
    const [condition, yes, no] = inner();
    return (call) => (condition(call) ? yes : no)(call);
  }
  if (name === 'not') {
    expect(1, 1);
    const [operand] = inner();
    return (call) => truth(!operand(call));
  }
  if (name === 'and' || name === 'or') {
    expect(1, Infinity);
    const parts = inner();
    return (call) => truth(name === 'and' ? parts.every((part) => part(call)) : parts.some((part) => part(call)));
  }
  const operator = Object.hasOwn(OPERATORS, name) ? OPERATORS[name] : undefined;
  if (!operator) malformed(path, `unknown operator '${name}'`);
  const [fewest, more, combine] = operator;
  expect(fewest, more ? Infinity : fewest);
  const parts = inner();
  return (call) => parts.map((part) => part(call)).reduce((a, b) => {
    if (b === 0n && DIVISIONS.includes(name)) refuse(`${path}: division by zero in ${printExpression(node)}`);
    const value = combine(a, b);
    if (value !== BigInt.asIntN(64, value)) refuse(`${path}: ${printExpression(node)} does not fit 64 bits`);
    return value;
  });
}

/** Whether an expression asks for a size or stride of one of `buffers`. */
function asks(node, buffers) {
  if (!Array.isArray(node)) return false;
  if (node[0] === 'dim' || node[0] === 'stride') return buffers.includes(node[1]);
  return node.some((operand) => asks(operand, buffers));
}

//===-- The schema --------------------------------------------------------===//

export function parseVariants(bundle) {
  checkFields(bundle, 'bundle', '$');
  bundle.variants.forEach((variant, n) => checkFields(variant, 'variant', `$.variants[${n}]`));
  return bundle.variants;
}

function parseLaunchArgument(argument, path, buffers, names) {
  const kind = ['buffer', 'value', 'scalar'].find((field) => field in (argument ?? {}));
  if (!kind) malformed(path, "expected an object with one of 'buffer', 'value', 'scalar'");
  checkFields(argument, kind, path);
  if (kind === 'buffer' && !buffers.has(argument.buffer))
    malformed(`${path}.buffer`, `no buffer is called '${argument.buffer}'`);
  if (kind === 'scalar' && !names.scalars.has(argument.scalar))
    malformed(`${path}.scalar`, `no scalar argument is called '${argument.scalar}'`);
  const scalar = kind === 'scalar' ? argument.scalar : argument.value?.[0] === 'scalar' ? argument.value[1] : undefined;
  return {
    kind,
    ...argument,
    path: kind === 'value' ? `${path}.value` : path,
    who: scalar === undefined ? `${path}.value` : `'${scalar}'`,
    offset: argument.offset === undefined ? undefined : compile(argument.offset, `${path}.offset`, names),
    compute: kind === 'value' ? compile(argument.value, `${path}.value`, names) : undefined,
  };
}

/** The description of one program; expressions become functions. */
export function parseDescription(json) {
  checkFields(json, 'artifact', '$');
  if (json.format !== 'attn-artifact') malformed('$.format', `'${json.format}' is not 'attn-artifact'`);
  if (json.version !== 1)
    fail('UNSUPPORTED_VERSION', `the description has version ${json.version}; this runtime reads version 1`);
  const names = { ranks: new Map(), scalars: new Set(), symbols: new Set() };
  const buffers = new Set(), taken = new Set();
  const declare = (name, path, shared = false) => {
    if (taken.has(name) && !shared) malformed(path, `the name '${name}' is taken`);
    taken.add(name);
  };
  json.arguments.forEach((argument, n) => {
    const path = `$.arguments[${n}]`;
    checkFields(argument, 'argument', path);
    declare(argument.name, path);
    if (argument.kind === 'scalar') return names.scalars.add(argument.name);
    if (argument.kind !== 'buffer') malformed(`${path}.kind`, `'${argument.kind}' is none of buffer, scalar`);
    buffers.add(argument.name);
    names.ranks.set(argument.name, argument.shape.length);
  });
  const symbols = (json.symbols ?? []).map((symbol, n) => {
    checkFields(symbol, 'named', `$.symbols[${n}]`);
    const compute = compile(symbol.expr, `$.symbols[${n}].expr`, names);
    names.symbols.add(symbol.name);
    return { name: symbol.name, compute };
  });
  const results = json.results.map((result, n) => {
    const path = `$.results[${n}]`;
    checkFields(result, 'result', path);
    const shape = result.shape.map((size, axis) => compile(size, `${path}.shape[${axis}]`, names));
    return { ...result, shape };
  });
  const temporaries = (json.temporaries ?? []).map((temporary, n) => {
    const path = `$.temporaries[${n}]`;
    checkFields(temporary, 'temporary', path);
    declare(temporary.name, path);
    buffers.add(temporary.name);
    return { ...temporary, bytes: compile(temporary.bytes, `${path}.bytes`, names) };
  });
  results.forEach((result, n) => {
    const owner = json.arguments[result.argument];
    declare(result.name, `$.results[${n}]`, owner?.name === result.name);
    if (owner) return;
    buffers.add(result.name);
    names.ranks.set(result.name, result.shape.length);
  });
  const own = results.filter(({ argument }) => argument === undefined).map(({ name }) => name);
  return {
    ...json,
    symbols,
    results,
    temporaries,
    checks: (json.checks ?? []).map((check, n) => {
      checkFields(check, 'check', `$.checks[${n}]`);
      const { forall } = check;
      if (forall && json.target !== 'cpu') malformed(`$.checks[${n}]`, `the target '${json.target}' reads no buffers`);
      // An extent may depend on the indices of the loops before it.
      const loops = forall?.map((extent, k) => compile(extent, `$.checks[${n}].forall[${k}]`, { ...names, loops: k }));
      // Without a loop the check is of what buffers hold all the same.
      const inner = loops ? { ...names, loops: loops.length } : names;
      return {
        message: check.message,
        loops,
        asksResults: asks(check.expr, own),
        holds: compile(check.expr, `$.checks[${n}].expr`, inner),
        values: (check.values ?? []).map(({ name, expr }, k) =>
          ({ name, compute: compile(expr, `$.checks[${n}].values[${k}].expr`, inner) })),
      };
    }),
    holes: (json.holes ?? []).map((hole, n) => {
      checkFields(hole, 'hole', `$.holes[${n}]`);
      hole.parameters.forEach((parameter, k) => checkFields(parameter, 'parameter', `$.holes[${n}].parameters[${k}]`));
      return hole;
    }),
    metrics: Object.fromEntries(Object.entries(json.metrics ?? {}).map(([name, expr]) =>
      [name, compile(expr, `$.metrics.${name}`, names)])),
    launches: json.launches.map((launch, n) => {
      const path = `$.launches[${n}]`;
      checkFields(launch, 'launch', path);
      if (launch.grid.length !== 3) malformed(`${path}.grid`, `expected 3 elements, found ${launch.grid.length}`);
      return {
        ...launch,
        grid: launch.grid.map((extent, axis) => compile(extent, `${path}.grid[${axis}]`, names)),
        when: launch.when === undefined ? undefined : compile(launch.when, `${path}.when`, names),
        args: launch.args.map((argument, k) => parseLaunchArgument(argument, `${path}.args[${k}]`, buffers, names)),
      };
    }),
  };
}
