// Places for the nodes of a graph: columns by what depends on what, in an order with few crossings.

const SWEEPS = 8;

// Returns the columns, each a list of {place} or, where an edge passes by, {passing}; and the paths of the edges.
function layered(places, edges) {
  const level = levels(places, edges);
  const columns = [];
  const cells = new Map();
  const put = (cell, at) => { (columns[at] ??= []).push(cell); return cell; };
  for (const place of places) cells.set(place, put({ place, above: [], below: [] }, level.get(place)));
  const paths = edges.map(([from, to]) => {
    const path = [cells.get(from)];
    for (let at = level.get(from) + 1; at < level.get(to); at++) path.push(put({ passing: true, above: [], below: [] }, at));
    path.push(cells.get(to));
    path.slice(1).forEach((cell, index) => { cell.above.push(path[index]); path[index].below.push(cell); });
    return { from, to, cells: path };
  });
  const whole = Array.from(columns, (column) => column ?? []);
  order(whole);
  return { columns: whole, paths };
}

// The longest way to each node; what nothing leads to stands just before what it leads to.
function levels(places, edges) {
  const level = new Map(places.map((place) => [place, 0]));
  const below = new Map(places.map((place) => [place, []]));
  const open = new Map(places.map((place) => [place, 0]));
  for (const [from, to] of edges) {
    below.get(from).push(to);
    open.set(to, open.get(to) + 1);
  }
  const first = places.filter((place) => open.get(place) === 0);
  const waiting = [...first];
  while (waiting.length) {
    const place = waiting.pop();
    for (const child of below.get(place)) {
      level.set(child, Math.max(level.get(child), level.get(place) + 1));
      open.set(child, open.get(child) - 1);
      if (open.get(child) === 0) waiting.push(child);
    }
  }
  for (const place of first) {
    const next = below.get(place).map((child) => level.get(child));
    if (next.length) level.set(place, Math.max(Math.min(...next) - 1, 0));
  }
  return level;
}

// Each cell goes to the middle of those that it is joined to, in turns from the left and from the right.
function order(columns) {
  columns.forEach(number);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const [side, turn] = sweep % 2 ? ["below", [...columns].reverse()] : ["above", columns];
    for (const column of turn) {
      for (const cell of column) cell.wish = middle(cell[side].map((other) => other.at), cell.at);
      column.sort((one, two) => one.wish - two.wish || one.at - two.at);
      number(column);
    }
  }
}

function number(column) {
  column.forEach((cell, index) => { cell.at = index - column.length / 2; });
}

function middle(values, otherwise) {
  return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : otherwise;
}
