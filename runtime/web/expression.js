// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Scalar expressions that a user types for a score or a mask: parsed and typed
// with messages that name a column, computed in JavaScript, and written as the
// text of a hole or as the ops of a region (docs/holes.md).

import { AttnError } from './error.js';

const MAX_NODES = 512, MAX_DEPTH = 60, INT_MIN = -(2 ** 31), INT_MAX = 2 ** 31 - 1;

/** What is wrong with an expression, and where: columns count from 1. */
export class ExpressionError extends AttnError {
  constructor(column, message) {
    super('INVALID_ARGUMENT', `column ${column}: ${message}`);
    this.name = 'ExpressionError';
    this.column = column;
  }
}

const complain = (at, message) => { throw new ExpressionError(at + 1, message); };

//===-- Functions of the language -----------------------------------------===//

const floorDivide = (a, b) => (b === 0 ? 0 : Math.floor(a / b) | 0);
const roundEven = (x) => {
  const low = Math.floor(x);
  return x - low === 0.5 ? 2 * Math.round(x / 2) : Math.round(x);
};

/** Of floats: the value, and the op of a region; WGSL has it by the same name
 * unless `wgsl` says another. */
const FLOAT_FUNCTIONS = {
  exp: { value: Math.exp, op: 'math.exp' },
  exp2: { value: (x) => 2 ** x, op: 'math.exp2' },
  log: { value: Math.log, op: 'math.log' },
  log2: { value: Math.log2, op: 'math.log2' },
  sqrt: { value: Math.sqrt, op: 'math.sqrt' },
  tanh: { value: Math.tanh, op: 'math.tanh' },
  floor: { value: Math.floor, op: 'math.floor' },
  ceil: { value: Math.ceil, op: 'math.ceil' },
  trunc: { value: Math.trunc, op: 'math.trunc' },
  round: { value: roundEven, op: 'math.roundeven' },
};
/** Of both types: operands, the value, the ops of regions. */
const NUMBER_FUNCTIONS = {
  abs: { count: 1, value: Math.abs, int: 'math.absi', float: 'math.absf' },
  min: { count: 2, value: Math.min, int: 'arith.minsi', float: 'arith.minimumf' },
  max: { count: 2, value: Math.max, int: 'arith.maxsi', float: 'arith.maximumf' },
};
const FUNCTION_NAMES = [...Object.keys(NUMBER_FUNCTIONS), 'clamp', ...Object.keys(FLOAT_FUNCTIONS), 'int', 'float'];

const ARITHMETIC = {
  '+': { int: 'arith.addi', float: 'arith.addf', value: (a, b) => a + b },
  '-': { int: 'arith.subi', float: 'arith.subf', value: (a, b) => a - b },
  '*': { int: 'arith.muli', float: 'arith.mulf', value: (a, b) => a * b },
  '/': { float: 'arith.divf', value: (a, b) => a / b },
};
const RELATIONS = {
  '<': ['slt', 'olt', (a, b) => a < b], '<=': ['sle', 'ole', (a, b) => a <= b],
  '>': ['sgt', 'ogt', (a, b) => a > b], '>=': ['sge', 'oge', (a, b) => a >= b],
  '==': ['eq', 'oeq', (a, b) => a === b], '!=': ['ne', 'une', (a, b) => a !== b],
};
const LEVELS = [['||'], ['&&'], Object.keys(RELATIONS), ['+', '-'], ['*', '/', '%']];
const SPELLED = { and: '&&', or: '||', not: '!', '&': '&&', '|': '||', '=': '==', '**': 'a product', '//': '/' };

//===-- Parsing -----------------------------------------------------------===//

function tokenize(text) {
  const tokens = [], pattern = /\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([A-Za-z_]\w*)|(\*\*|\/\/|&&|\|\||[<>=!]=|[-+*/%<>!?:(),&|=]))/y;
  for (;;) {
    const begin = pattern.lastIndex, match = pattern.exec(text);
    if (!match) {
      const rest = text.slice(begin), at = begin + rest.length - rest.trimStart().length;
      if (rest.trim()) complain(at, `'${String.fromCodePoint(text.codePointAt(at))}' is no part of an expression`);
      tokens.push({ kind: 'end', text: '', at });
      return tokens;
    }
    const at = pattern.lastIndex - match[0].trimStart().length;
    const kind = match[1] ? 'number' : match[2] ? 'name' : 'symbol';
    if (kind === 'number' && /[\w.]/.test(text[pattern.lastIndex] ?? ''))
      complain(at, `'${text.slice(at).match(/^[\w.]+/)[0]}' is no number`);
    tokens.push({ kind, text: match[0].trim(), at });
  }
}

/** Builds typed nodes: {op, type, operands, at}, constants with their value. */
class Parser {
  #tokens;
  #next = 0;
  #depth = 0;
  #count = 0;
  #parameters;

  constructor(text, parameters) {
    this.#tokens = tokenize(text);
    this.#parameters = parameters;
  }

  parse(type) {
    const first = this.#tokens[0];
    if (first.kind === 'end') complain(0, 'an expression is missing');
    let node = this.#choice();
    const rest = this.#tokens[this.#next];
    if (rest.kind !== 'end') this.#unexpected(rest, 'an operator or the end');
    if (type === 'float') node = this.#toFloat(node, 'the expression');
    if (node.type !== type) complain(first.at, `the expression has to be ${describe(type)}, but is ${describe(node.type)}`);
    return node;
  }

  #unexpected(token, wanted) {
    const instead = SPELLED[token.text];
    complain(token.at, `expected ${wanted}, found ${token.kind === 'end' ? 'the end' : `'${token.text}'`}` +
             (instead ? `; write ${instead}` : ''));
  }

  #take(text) {
    if (this.#tokens[this.#next].kind !== 'symbol' || this.#tokens[this.#next].text !== text) return null;
    return this.#tokens[this.#next++];
  }

  #expect(text) { return this.#take(text) ?? this.#unexpected(this.#tokens[this.#next], `'${text}'`); }

  /** Runs `parse` one level deeper. */
  #within(parse) {
    if (++this.#depth > MAX_DEPTH)
      complain(this.#tokens[this.#next].at, `expressions nest at most ${MAX_DEPTH} deep`);
    const node = parse();
    --this.#depth;
    return node;
  }

  #make(at, op, type, operands, more = {}) {
    if (++this.#count > MAX_NODES) complain(at, `an expression has at most ${MAX_NODES} operations`);
    return fold({ op, type, operands, at, ...more });
  }

  #choice() {
    return this.#within(() => {
      const condition = this.#binary(0), mark = this.#take('?');
      if (!mark) return condition;
      if (condition.type !== 'bool') complain(condition.at, `what stands before ? has to be true or false, but is ${describe(condition.type)}`);
      const yes = this.#choice();
      this.#expect(':');
      const [one, other] = this.#alike(mark.at, 'the two sides of :', yes, this.#choice());
      return this.#make(mark.at, 'select', one.type, [condition, one, other]);
    });
  }

  #binary(level) {
    if (level === LEVELS.length) return this.#unary();
    let left = this.#binary(level + 1);
    for (;;) {
      const token = this.#tokens[this.#next];
      if (token.kind === 'name' && SPELLED[token.text]) this.#unexpected(token, 'an operator');
      if (token.kind !== 'symbol' || !LEVELS[level].includes(token.text)) return left;
      ++this.#next;
      left = this.#combine(token, left, this.#binary(level + 1));
    }
  }

  #combine({ text, at }, left, right) {
    if (text === '&&' || text === '||') {
      for (const side of [left, right])
        if (side.type !== 'bool') complain(side.at, `${text} takes true or false, but this is ${describe(side.type)}`);
      return this.#make(at, text, 'bool', [left, right]);
    }
    if (text in RELATIONS) {
      if (left.op in RELATIONS && right.type !== 'bool')
        complain(at, `comparisons do not chain: write a ${left.op} b && b ${text} c`);
      const sides = this.#alike(at, text, left, right);
      if (sides[0].type === 'bool' && text !== '==' && text !== '!=') complain(at, `${text} compares numbers, not true and false`);
      return this.#make(at, text, 'bool', sides);
    }
    for (const side of [left, right]) this.#checkNumber(side, text);
    if (text === '%')
      for (const side of [left, right])
        if (side.type !== 'int') complain(side.at, '% takes integers, but this is a float; a - b * floor(a / b) is its like');
    const sides = this.#alike(at, text, left, right);
    if ((text === '/' || text === '%') && sides[1].op === 'constant' && sides[1].value === 0)
      complain(right.at, `${text === '/' ? 'division' : 'remainder'} by 0`);
    return this.#make(at, text, sides[0].type, sides);
  }

  /** Both sides of one type: a float if one of them is. */
  #alike(at, what, left, right) {
    if (left.type === right.type) return [left, right];
    if (left.type === 'bool' || right.type === 'bool')
      complain(at, `${what}: one side is ${describe(left.type)}, the other ${describe(right.type)}`);
    return [this.#toFloat(left), this.#toFloat(right)];
  }

  #checkNumber(node, who) {
    if (node.type === 'bool') complain(node.at, `${who} takes numbers, but this is true or false`);
  }

  #toFloat(node) { return node.type === 'int' ? this.#make(node.at, 'float', 'float', [node]) : node; }

  #unary() {
    const token = this.#take('-') ?? this.#take('!') ?? this.#take('+');
    if (!token) return this.#primary();
    return this.#within(() => {
      const operand = this.#unary();
      if (token.text === '!') {
        if (operand.type !== 'bool') complain(operand.at, `! takes true or false, but this is ${describe(operand.type)}`);
        return this.#make(token.at, '!', 'bool', [operand]);
      }
      this.#checkNumber(operand, token.text);
      return token.text === '+' ? operand : this.#make(token.at, 'negate', operand.type, [operand]);
    });
  }

  #primary() {
    if (this.#take('(')) {
      const node = this.#choice();
      this.#expect(')');
      return node;
    }
    const token = this.#tokens[this.#next++];
    if (token.kind === 'number') return this.#number(token);
    if (token.kind !== 'name') this.#unexpected(token, 'a number, a name or (');
    if (token.text === 'true' || token.text === 'false')
      return this.#make(token.at, 'constant', 'bool', [], { value: token.text === 'true' });
    if (this.#take('(')) return this.#call(token);
    const known = this.#parameters.find(({ name }) => name === token.text);
    if (known) return this.#make(token.at, 'parameter', TYPES[known.dtype], [], { name: token.text });
    const why = FUNCTION_NAMES.includes(token.text) ? `'${token.text}' is a function: write ${token.text}(...)`
      : `there is no '${token.text}'; there are ${this.#parameters.map(({ name }) => name).join(', ')}`;
    complain(token.at, why + (SPELLED[token.text] ? `; write ${SPELLED[token.text]} for ${token.text}` : ''));
  }

  #number({ text, at }) {
    if (/^\d+$/.test(text)) {
      if (Number(text) > INT_MAX) complain(at, `${text} does not fit an integer of 32 bits; write ${text}.0 for a float`);
      return this.#make(at, 'constant', 'int', [], { value: Number(text) });
    }
    const value = Math.fround(Number(text));
    if (!Number.isFinite(value)) complain(at, `${text} is too large for f32`);
    return this.#make(at, 'constant', 'float', [], { value });
  }

  #call({ text, at }) {
    const operands = [];
    if (!this.#take(')')) {
      do operands.push(this.#choice()); while (this.#take(','));
      this.#expect(')');
    }
    if (!FUNCTION_NAMES.includes(text)) complain(at, `there is no function '${text}'; there are ${FUNCTION_NAMES.join(', ')}`);
    const count = text === 'clamp' ? 3 : NUMBER_FUNCTIONS[text]?.count ?? 1;
    if (operands.length !== count)
      complain(at, `${text} takes ${count} operand${count > 1 ? 's' : ''}, found ${operands.length}`);
    if (text === 'int' || text === 'float') return this.#convert(at, text, operands[0]);
    for (const operand of operands) this.#checkNumber(operand, text);
    if (text in FLOAT_FUNCTIONS) return this.#make(at, text, 'float', [this.#toFloat(operands[0])]);
    const isFloat = operands.some(({ type }) => type === 'float');
    const alike = isFloat ? operands.map((operand) => this.#toFloat(operand)) : operands;
    const type = alike[0].type;
    if (text !== 'clamp') return this.#make(at, text, type, alike);
    return this.#make(at, 'max', type, [this.#make(at, 'min', type, [alike[0], alike[2]]), alike[1]]);
  }

  #convert(at, type, operand) {
    if (operand.type === type) return operand;
    if (type === 'float' && operand.type === 'bool') operand = this.#make(at, 'int', 'int', [operand]);
    return this.#make(at, type, type, [operand]);
  }
}

const TYPES = { f32: 'float', i32: 'int', i1: 'bool' };
const describe = (type) => ({ int: 'an integer', float: 'a float', bool: 'true or false' })[type];

//===-- Values ------------------------------------------------------------===//

/** An integer of 32 bits that wraps, a float in `round`, or a truth value. */
function valueOf({ op, type, operands }, values, round) {
  const [a, b, c] = values, isInt = type === 'int';
  if (op in RELATIONS) return RELATIONS[op][2](a, b);
  if (op in FLOAT_FUNCTIONS) return round(FLOAT_FUNCTIONS[op].value(a));
  if (op in NUMBER_FUNCTIONS) return isInt ? NUMBER_FUNCTIONS[op].value(a, b ?? a) | 0 : NUMBER_FUNCTIONS[op].value(a, b ?? a);
  switch (op) {
  case '&&': return a && b;
  case '||': return a || b;
  case '!': return !a;
  case 'negate': return isInt ? -a | 0 : -a;
  case 'select': return a ? b : c;
  case 'float': return round(a);
  case 'int':
    if (typeof a === 'boolean') return Number(a);
    return Number.isNaN(a) ? 0 : Math.max(INT_MIN, Math.min(INT_MAX, Math.trunc(a)));
  case '*': return isInt ? Math.imul(a, b) : round(a * b);
  case '%': return (a - Math.imul(b, floorDivide(a, b))) | 0;
  case '/': return isInt ? floorDivide(a, b) : round(a / b);
  default: return isInt ? ARITHMETIC[op].value(a, b) | 0 : round(ARITHMETIC[op].value(a, b));
  }
}

/** The function of the parameters' values that computes `node` in doubles. */
function computationOf(node) {
  const { op, name, value, operands } = node;
  if (op === 'constant') return () => value;
  if (op === 'parameter') return (values) => values[name];
  const parts = operands.map(computationOf), double = (number) => number;
  return (values) => valueOf(node, parts.map((part) => part(values)), double);
}

/** The same node, or the constant that it is. */
function fold(node) {
  const { op, operands, type, at } = node;
  if (op === 'constant' || op === 'parameter' || operands.some((operand) => operand.op !== 'constant')) return node;
  const value = valueOf(node, operands.map((operand) => operand.value), Math.fround);
  if (type === 'float' && !Number.isFinite(value)) complain(at, 'this is no finite number in f32');
  return { op: 'constant', type, operands: [], at, value };
}

//===-- Text --------------------------------------------------------------===//

/** A finite float with a point, as both languages read it. */
function formatFloat(value) {
  const [digits, exponent] = String(value).split('e');
  return (digits.includes('.') ? digits : `${digits}.0`) + (exponent ? `e${exponent}` : '');
}

/** Statements of WGSL; what is used more than once has a name. */
class WgslWriter {
  lines = [];

  constructor(taken) { this.taken = new Set(taken); }

  name(text) {
    if (/^\w+$/.test(text)) return text;
    let name;
    for (let n = this.lines.length; this.taken.has(name = `t${n}`); ++n);
    this.taken.add(name);
    this.lines.push(`let ${name} = ${text};`);
    return name;
  }

  constant({ type, value }) {
    if (type === 'bool') return String(value);
    const text = type === 'float' ? `${formatFloat(value)}f` : String(value);
    return value < 0 || Object.is(value, -0) ? `(${text})` : text;
  }

  /** `node` as an operand. */
  write(node) {
    const { op, operands, type } = node;
    if (op === 'constant') return this.constant(node);
    if (op === 'parameter') return node.name;
    const texts = operands.map((operand) => this.write(operand));
    const [a, b, c] = texts;
    switch (op) {
    case '!': return `!${a}`;
    case 'negate': return `(-${a})`;
    case 'select': return `select(${c}, ${b}, ${a})`;
    case 'float': return `f32(${a})`;
    case 'int': return operands[0].type === 'bool' ? `select(0, 1, ${a})` : `i32(${a})`;
    case 'tanh': return this.tanh(this.name(a));
    default:
    }
    if (op in FLOAT_FUNCTIONS || op in NUMBER_FUNCTIONS) return `${op}(${texts.join(', ')})`;
    if (type === 'int' && op === '/') return this.floorDivide(a, operands[1], b);
    if (op === '%') {
      const dividend = this.name(a), divisor = this.name(b);
      return `(${dividend} - ${divisor} * ${this.floorDivide(dividend, operands[1], divisor)})`;
    }
    return `(${a} ${op} ${b})`;
  }

  /** Downwards, by 0 it is 0. */
  floorDivide(a, divisor, b) {
    const dividend = this.name(a);
    if (divisor.op === 'constant' && divisor.value > 0)
      return this.name(`select(${dividend} / ${b}, (${dividend} + 1) / ${b} - 1, ${dividend} < 0)`);
    const given = this.name(b), by = this.name(`select(${given}, 1, ${given} == 0)`);
    const quotient = this.name(`${dividend} / ${by}`), rest = this.name(`${dividend} - ${quotient} * ${by}`);
    const less = `i32(${rest} != 0 && ((${rest} < 0) != (${by} < 0)))`;
    return this.name(`select(${quotient} - ${less}, 0, ${given} == 0)`);
  }

  /** That of the language may be off by 1e-5; this is what compiled kernels
   * compute (lib/Conversion/ExpandMath.cpp). */
  tanh(x) {
    const power = this.name(`exp2(min(abs(${x}), 16.0f) * 2.8853900817779268f)`);
    const large = this.name(`sign(${x}) * (1.0f - 2.0f / (${power} + 1.0f))`);
    const square = this.name(`${x} * ${x}`);
    const factors = ['-0.00570498872745f', '0.0206390887954f', '-0.0537397155531f', '0.133314422036f', '-0.333332819422f'];
    const series = factors.slice(1).reduce((sum, factor) => `(${sum} * ${square} + ${factor})`, factors[0]);
    return `select(${large}, ${x} + ${x} * ${square} * ${series}, ${square} < 0.390625f)`;
  }
}

/** Ops of a region, an SSA value each. */
class RegionWriter {
  lines = [];
  #next = 0;

  constructor(values) { this.values = values; }

  emit(text) {
    const name = `%t${this.#next++}`;
    this.lines.push(`${name} = ${text}`);
    return name;
  }

  constant(type, value) {
    return this.emit(`arith.constant ${type === 'float' ? formatFloat(value) : value}${type === 'bool' ? '' : ` : ${MLIR_TYPES[type]}`}`);
  }

  write(node) {
    const { op, operands, type } = node;
    if (op === 'constant') return this.constant(type, node.value);
    if (op === 'parameter') return this.values.get(node.name);
    const [a, b, c] = operands.map((operand) => this.write(operand)), of = operands[0].type;
    const typed = (name, ...values) => this.emit(`${name} ${values.join(', ')} : ${MLIR_TYPES[type]}`);
    if (op in RELATIONS) {
      const [integer, float] = RELATIONS[op];
      return this.emit(of === 'float' ? `arith.cmpf ${float}, ${a}, ${b} : f32` : `arith.cmpi ${integer}, ${a}, ${b} : ${MLIR_TYPES[of]}`);
    }
    if (op in FLOAT_FUNCTIONS) return typed(FLOAT_FUNCTIONS[op].op, a);
    if (op in NUMBER_FUNCTIONS) return typed(NUMBER_FUNCTIONS[op][type], ...(b ? [a, b] : [a]));
    switch (op) {
    case '&&': return typed('arith.andi', a, b);
    case '||': return typed('arith.ori', a, b);
    case '!': return typed('arith.xori', a, this.constant('bool', true));
    case 'negate': return type === 'float' ? typed('arith.negf', a) : typed('arith.subi', this.constant('int', 0), a);
    case 'select': return typed('arith.select', a, b, c);
    case 'float': return this.emit(`arith.sitofp ${a} : i32 to f32`);
    case 'int': return this.emit(of === 'bool' ? `arith.extui ${a} : i1 to i32` : `arith.fptosi ${a} : f32 to i32`);
    case '%': return typed('arith.subi', a, typed('arith.muli', b, typed('arith.floordivsi', a, b)));
    case '/': return typed(type === 'int' ? 'arith.floordivsi' : 'arith.divf', a, b);
    default: return typed(ARITHMETIC[op][type], a, b);
    }
  }
}

const MLIR_TYPES = { float: 'f32', int: 'i32', bool: 'i1' };

//===-- Tiles -------------------------------------------------------------===//

/** Indices have 30 bits (rule 21); of captures nothing is known. */
const RANGES = { i: [0, 2 ** 30], j: [0, 2 ** 30], b: [0, INT_MAX], h: [0, INT_MAX] };

/** What an expression may be in a tile, as text of WGSL: of an integer its least
 * and largest value {low, high} and bounds of them that are known now (min,
 * max), null if it may wrap; of a condition whether it may hold anywhere and
 * whether it must hold everywhere {may, must}. */
class TileWriter {
  /** `names` are the parameters of the test. */
  constructor(writer, names) {
    this.writer = writer;
    this.names = names;
  }

  isUniform({ op, name, operands }) {
    return op === 'parameter' ? this.names.includes(name) : operands.every((operand) => this.isUniform(operand));
  }

  name(text) { return this.writer.name(text); }

  bool(node) {
    const unknown = { may: 'true', must: 'false' }, { op, operands } = node;
    if (this.isUniform(node)) {
      const value = this.name(this.writer.write(node));
      return { may: value, must: value };
    }
    if (op === '!') {
      const { may, must } = this.bool(operands[0]);
      return { may: `!${must}`, must: `!${may}` };
    }
    if (op === '&&' || op === '||') {
      const [a, b] = operands.map((operand) => this.bool(operand));
      return { may: `(${a.may} ${op} ${b.may})`, must: `(${a.must} ${op} ${b.must})` };
    }
    if (op === 'select') {
      const [c, a, b] = operands.map((operand) => this.bool(operand));
      return {
        may: `((${c.may} && ${a.may}) || (!${c.must} && ${b.may}))`,
        must: `((!${c.may} || ${a.must}) && (${c.must} || ${b.must}))`,
      };
    }
    if (!(op in RELATIONS) || operands[0].type !== 'int') return unknown;
    const [a, b] = operands.map((operand) => this.int(operand));
    return a && b ? this.compare(op, a, b) : unknown;
  }

  compare(op, a, b) {
    switch (op) {
    case '<': return { may: `(${a.low} < ${b.high})`, must: `(${a.high} < ${b.low})` };
    case '<=': return { may: `(${a.low} <= ${b.high})`, must: `(${a.high} <= ${b.low})` };
    case '>': return this.compare('<', b, a);
    case '>=': return this.compare('<=', b, a);
    case '==': return {
      may: `(${a.low} <= ${b.high} && ${b.low} <= ${a.high})`,
      must: `(${a.low} == ${b.high} && ${b.low} == ${a.high})`,
    };
    default: {
      const { may, must } = this.compare('==', a, b);
      return { may: `!${must}`, must: `!${may}` };
    }
    }
  }

  /** Null where 32 bits may not hold it. */
  range(low, high, min, max) {
    return min < INT_MIN || max > INT_MAX ? null : { low: this.name(low), high: this.name(high), min, max };
  }

  int(node) {
    const { op, operands, name, value } = node;
    if (op === 'constant') return { low: this.writer.constant(node), high: this.writer.constant(node), min: value, max: value };
    const [min, max] = RANGES[name] ?? [INT_MIN, INT_MAX];
    if (this.isUniform(node)) {
      const text = this.name(this.writer.write(node));
      return { low: text, high: text, min, max };
    }
    if (op === 'parameter')
      return this.names.includes(`first_${name}`) ? { low: `first_${name}`, high: `last_${name}`, min, max } : null;
    const ranges = operands.map((operand) => (operand.type === 'int' ? this.int(operand) : null));
    if (ranges.includes(null)) return null;
    const [a, b] = ranges;
    switch (op) {
    case '+': return this.range(`${a.low} + ${b.low}`, `${a.high} + ${b.high}`, a.min + b.min, a.max + b.max);
    case '-': return this.range(`${a.low} - ${b.high}`, `${a.high} - ${b.low}`, a.min - b.max, a.max - b.min);
    case 'negate': return this.range(`-${a.high}`, `-${a.low}`, -a.max, -a.min);
    case 'min': case 'max':
      return this.range(`${op}(${a.low}, ${b.low})`, `${op}(${a.high}, ${b.high})`, Math[op](a.min, b.min), Math[op](a.max, b.max));
    case 'abs':
      return this.range(`max(0, max(${a.low}, -${a.high}))`, `max(${a.high}, -${a.low})`, 0, Math.max(Math.abs(a.min), Math.abs(a.max)));
    case '*': return this.multiply(a, b);
    case '/': case '%': return this.divide(op, a, operands[1]);
    default: return null;
    }
  }

  /** By a constant. */
  multiply(a, b) {
    if (a.min === a.max) return this.multiply(b, a);
    if (b.min !== b.max) return null;
    const times = (end) => `${a[end]} * ${b.low}`;
    return b.min < 0 ? this.range(times('high'), times('low'), a.max * b.min, a.min * b.min)
      : this.range(times('low'), times('high'), a.min * b.min, a.max * b.min);
  }

  /** By a positive constant. */
  divide(op, a, divisor) {
    if (divisor.op !== 'constant' || divisor.value < 1) return null;
    const by = divisor.value, text = String(by);
    const low = this.writer.floorDivide(a.low, divisor, text), high = this.writer.floorDivide(a.high, divisor, text);
    if (op === '/') return this.range(low, high, floorDivide(a.min, by), floorDivide(a.max, by));
    const isOne = this.name(`${low} == ${high}`);
    return this.range(`select(0, ${a.low} - ${low} * ${text}, ${isOne})`,
                      `select(${by - 1}, ${a.high} - ${high} * ${text}, ${isOne})`, 0, by - 1);
  }
}

//===-- The interface -----------------------------------------------------===//

export class Expression {
  #root;
  #parameters;
  #compute;

  /** Parses `text`, which may name `parameters` ({name, dtype}) and has the
   * result `dtype` (f32: an integer is converted). */
  constructor(text, parameters, dtype) {
    this.text = text;
    this.#parameters = parameters;
    this.#root = new Parser(text, parameters).parse(TYPES[dtype]);
  }

  /** The value for `values` by name; floats have 64 bits. */
  evaluate(values) {
    this.#compute ??= computationOf(this.#root);
    return this.#compute(values);
  }

  /** The body of a function in WGSL. */
  toWgsl() {
    const writer = new WgslWriter(this.#parameters.map(({ name }) => name));
    const result = writer.write(this.#root);
    return [...writer.lines, `return ${result};`].join('\n');
  }

  /** The body of the function of `parameters` that tests a tile: whether the
   * condition may hold in it. */
  toTileTest(parameters) {
    const names = parameters.map(({ name }) => name);
    const writer = new WgslWriter(names), { may } = new TileWriter(writer, names).bool(this.#root);
    return [...writer.lines, `return ${may};`].join('\n');
  }

  /** Ops of a region up to its attn.yield; `values` gives the SSA value of each
   * parameter. */
  toRegion(values) {
    const writer = new RegionWriter(new Map(Object.entries(values)));
    const result = writer.write(this.#root);
    return [...writer.lines, `attn.yield ${result} : ${MLIR_TYPES[this.#root.type]}`].join('\n');
  }
}

/** The score and mask region of an attn.attention, as text; `captures` are
 * scalars ({name, dtype}) or tables with a number a head ({name, dtype, heads}). */
export function printRegions({ score, mask }, captures = []) {
  const types = captures.map(({ dtype, heads }) => (heads ? `tensor<${heads}x${dtype}>` : dtype));
  const print = (kind, own, expression) => {
    const given = [...own, ...captures.map(({ name }, n) => `%${name}${captures[n].heads ? '_table' : ''}: ${types[n]}`)];
    const values = { s: '%s' }, lines = [];
    for (const name of ['b', 'h', 'i', 'j']) {
      values[name] = `%${name}32`;
      lines.push(`%${name}32 = arith.index_cast %${name} : index to i32`);
    }
    captures.forEach(({ name, heads }, n) => {
      values[name] = `%${name}`;
      if (heads) lines.push(`%${name} = tensor.extract %${name}_table[%h] : ${types[n]}`);
    });
    lines.push(...expression.toRegion(values).split('\n'));
    return `${kind}(${given.join(', ')}) {\n${lines.map((line) => `  ${line}\n`).join('')}}`;
  };
  const indices = ['%b: index', '%h: index', '%i: index', '%j: index'];
  return [score && print('score', ['%s: f32', ...indices], score), mask && print('mask', indices, mask)]
    .filter(Boolean).join('\n');
}
