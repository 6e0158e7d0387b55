// What the page shows, as objects.

const TESTS = new Set(["test", "unit_test"]);

function readData() {
  const told = JSON.parse(document.getElementById("data").textContent);
  const nodes = told.nodes.map((row, place) => {
    const node = { place };
    told.fields.forEach((name, index) => { node[name] = row[index]; });
    node.ran = node.outcome !== "skipped";
    node.took = Math.max(node.finished - node.started, 0);
    node.waited = Math.max(node.started - node.queued, 0);
    node.words = `${node.label} ${node.id} ${node.path ?? ""}`.toLowerCase();
    return node;
  });
  const others = told.others.map((id, index) => other(id, nodes.length + index));
  return { ...told, nodes, all: [...nodes, ...others], tests: testsByParent(nodes), end: lastEnd(nodes) };
}

// A node that was not part of the run: its id tells the rest.
function other(id, place) {
  const [type, , ...name] = id.split(".");
  return { place, id, type, label: name.join(".") || id, outcome: "none", words: id.toLowerCase() };
}

function testsByParent(nodes) {
  const tests = new Map();
  for (const node of nodes) {
    if (!TESTS.has(node.type) || !node.parent) continue;
    if (!tests.has(node.parent)) tests.set(node.parent, []);
    tests.get(node.parent).push(node);
  }
  return tests;
}

// Skipped nodes have no times of their own.
function lastEnd(nodes) {
  return nodes.reduce((last, node) => (node.ran ? Math.max(last, node.finished) : last), 1);
}
