// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Prints how many lanes the subgroups of Dawn's device have:
//   node subgroup_size.mjs RUNTIME_WEB

import { pathToFileURL } from 'node:url';

const { requestAdapter } = await import(pathToFileURL(`${process.argv[2]}/host/dawn.mjs`));
const { info } = await requestAdapter();
console.log(`${info.subgroupMinSize} to ${info.subgroupMaxSize} lanes`);
process.exit(0);
