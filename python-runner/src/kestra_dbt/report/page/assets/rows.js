// The rows of the Gantt.

function rowsByNode(nodes) {
  const rows = nodes.filter((node) => node.ran).sort((one, two) => one.started - two.started || one.place - two.place);
  return rows.map((node) => ({ label: node.label, nodes: [node] }));
}

const OVERLAP = 20; // Milliseconds: a thread's next node may begin before the end of the last one was noted.

// A row a thread. Threads of several processes can have the same name: what overlaps gets another row.
function rowsByThread(nodes, several) {
  const lanes = new Map();
  for (const node of rowsByNode(nodes).map((row) => row.nodes[0])) {
    const name = threadName(node, several);
    if (!lanes.has(name)) lanes.set(name, []);
    place(lanes.get(name), node);
  }
  const names = [...lanes.keys()].sort((one, two) => one.localeCompare(two, "en", { numeric: true }));
  return names.flatMap((name) => lanes.get(name).map((lane) => ({ label: name, nodes: lane })));
}

function place(lanes, node) {
  const free = lanes.find((lane) => lane[lane.length - 1].finished <= node.started + OVERLAP);
  if (free) free.push(node);
  else lanes.push([node]);
}

function threadName(node, several) {
  const thread = (node.thread || "no thread").replace(/ \(.*\)$/, "");
  return several ? `${node.invocation}: ${thread}` : thread;
}

// What a row has at a time, or nearest to it, as far as that may be.
function nodeAt(row, time, near) {
  let best = null;
  let distance = near;
  for (const node of row.nodes) {
    const away = Math.max(node.started - time, time - node.finished, 0);
    if (away <= distance) [best, distance] = [node, away];
  }
  return best;
}
