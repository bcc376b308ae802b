/**
 * Private names become ordinary ones in a bundle. To V8's interpreter and its quick compiler, which run all there is in a
 * program's first second, `this.#x` is a keyed access with a symbol, slower than `this.x`, and a class with private
 * fields calls one function more for each object. Who may say `#x` has been checked before, by tsc.
 */
import { parse } from "acorn";

const isNode = (value) => typeof value?.type === "string";

/** A class's number tells its names from those of the class that it extends. */
export const openPrivateNames = (source) => {
  const edits = [];
  const scopes = [];
  let classes = 0;
  const visit = (node) => {
    if (node.type === "PrivateIdentifier") {
      const scope = scopes.findLast(({ names }) => names.has(node.name));
      edits.push({ start: node.start, end: node.end, text: `$${node.name}${scope.number.toString(36)}` });
      return;
    }
    if (node.type === "BinaryExpression" && node.left.type === "PrivateIdentifier") throw new Error("#name in object is not known here");
    const isBody = node.type === "ClassBody";
    if (isBody) {
      const names = new Set(node.body.filter(({ key }) => key?.type === "PrivateIdentifier").map(({ key }) => key.name));
      scopes.push({ names, number: ++classes });
    }
    for (const value of Object.values(node)) {
      if (Array.isArray(value)) for (const one of value) isNode(one) && visit(one);
      else if (isNode(value)) visit(value);
    }
    if (isBody) scopes.pop();
  };
  visit(parse(source, { ecmaVersion: 2022, sourceType: "script" }));
  let text = "";
  let at = 0;
  for (const edit of edits) {
    text += source.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return text + source.slice(at);
};
