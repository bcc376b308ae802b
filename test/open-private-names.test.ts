/** What the build makes of private names: the same results by ordinary ones. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runInNewContext } from "node:vm";
import { openPrivateNames } from "../tools/open-private-names.mjs";

const program = `
class Base {
  #value = "base's";
  static #count = 0;
  static made() { return Base.#count; }
  constructor() { Base.#count++; }
  base() { return this.#value; }
  #secret() { return "base's secret"; }
  tell() { return this.#secret(); }
}
class Derived extends Base {
  #value = "derived's";
  get #both() { return this.#value + " and " + this.base(); }
  set #both(value) { this.#value = value; }
  both() { return this.#both; }
  change() { this.#both = "changed"; return this.#value ?? this?.#value; }
  #secret() { return "derived's secret"; }
  own() { return this.#secret(); }
  inner() {
    const outer = this;
    return new (class { #value = "inner's"; all() { return [this.#value, outer.#secret()]; } })().all();
  }
  text() { return "#value " + \`\${this.#value} #value\` + /#value/.source; }
}
const d = new Derived();
new Base();
[d.base(), d.both(), d.tell(), d.own(), d.inner(), d.text(), d.change(), d.base(), Base.made()].join()`;

describe("private names of a bundle", () => {
  it("are ordinary ones, and the program does the same", () => {
    const opened = openPrivateNames(program);
    assert.doesNotMatch(opened, /[.\s]#[a-z]+(\(|;| =|\.)/);
    assert.equal(runInNewContext(opened), runInNewContext(program));
  });

  it("are not looked for in objects", () => {
    assert.throws(() => openPrivateNames("class A { #a; static is(x) { return #a in x; } }"), /#name in object/);
  });
});
