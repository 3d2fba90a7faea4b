// Runs the tests that JSONLogic's reference implementation ships, with that implementation, and writes down what it answered:
// a list of {rule, data, result} or {rule, data, throws}. Called by deploy/setup.sh --for test; read by tests/it/jsonlogic.rs.
//
// Usage: node record.cjs PACKAGE TESTS CASES
//   PACKAGE  the unpacked npm package json-logic-js
//   TESTS    JSONLogic's tests.json, which the package's tests would download; here in the form of the crate datalogic-rs
//   CASES    the file to write
'use strict';
const fs = require('fs');
const Module = require('module');
const path = require('path');

const [home, tests, cases] = process.argv.slice(2).map((name) => path.resolve(name));
const reference = require(path.join(home, 'logic.js'));

// The package's tests take these two files when they are there, and don't ask the network.
const data = JSON.parse(fs.readFileSync(tests, 'utf8')).filter((test) => typeof test !== 'string');
const put = (name, list) => fs.writeFileSync(path.join(home, 'tests', name), JSON.stringify(list));
put('tests.json', data.map((test) => [test.rule, test.data === undefined ? null : test.data, test.result]));
put('rule_like.json', []); // about the shape of rules, not about their answers

// Every question asked from outside; the implementation asks itself for the parts of a rule.
const recorded = [];
const apply = reference.apply;
let depth = 0;
reference.apply = (rule, given) => {
    if (depth > 0 || rule === undefined) return apply(rule, given);
    const asked = {rule: structuredClone(rule), data: given === undefined ? null : structuredClone(given)};
    depth += 1;
    try {
        const result = apply(rule, given);
        recorded.push({...asked, result: result === undefined ? null : structuredClone(result)});
        return result;
    } catch (error) {
        recorded.push({...asked, throws: String(error.message)});
        throw error;
    } finally {
        depth -= 1;
    }
};

// As much of QUnit as these tests use.
const assert = require('assert');
const checks = {
    async: () => () => {},
    equal: assert.equal,
    deepEqual: assert.deepStrictEqual,
    throws: assert.throws,
};
const waiting = [];
const qunit = {
    module(name, hooks, body) {
        if (typeof hooks === 'function') return hooks();
        waiting.push(async () => {
            await new Promise((done) => hooks.before({async: () => done}));
        });
        return body();
    },
    test(name, body) {
        waiting.push(() => body(checks));
    },
};
const load = Module._load;
Module._load = (name, ...rest) => (name === 'qunit' ? qunit : load(name, ...rest));
const log = console.log; // one of its tests replaces it

require(path.join(home, 'tests', 'tests.js'));
(async () => {
    for (const next of waiting) await next();
    if (recorded.length < data.length) throw new Error(`only ${recorded.length} of ${data.length} tests were run`);
    fs.writeFileSync(cases, JSON.stringify(recorded, null, 1));
    log(`${recorded.length} answers of json-logic-js written to ${path.relative('.', cases)}`);
})().catch((error) => {
    console.error(error);
    process.exit(1);
});
