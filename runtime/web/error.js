// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What goes wrong is an exception of this class, in the words of the C API.

/** `code` is a status of the C API without ATTN_ERROR_, `rule` the rule of
 * docs/semantics.md that the message names, if it names one. */
export class AttnError extends Error {
  constructor(code, message, options) {
    super(message, options);
    this.name = 'AttnError';
    this.code = code;
    const rule = /\brule (\d+)/.exec(message);
    this.rule = rule ? Number(rule[1]) : undefined;
  }
}

export function fail(code, message, options) {
  throw new AttnError(code, message, options);
}

/** A fault of what was bound. */
export function refuse(message) {
  fail('INVALID_ARGUMENT', message);
}
