// What depends on what: the whole graph where it can be overlooked, else the surroundings of a node.

const DRAWN_AT_MOST = 300;
const AROUND = { steps: 2, nodes: 80 };
const BOX = { width: 180, height: 26, column: 236, row: 36, margin: 14 };
const SMALLEST = 0.75; // Of its size, so that names can be read.
const FOUND_AT_MOST = 20;

class Lineage {
  constructor(data) {
    this.data = data;
    this.places = placesOf(data);
    this.above = neighbours(data.edges, 1, 0);
    this.below = neighbours(data.edges, 0, 1);
    this.whole = this.places.length <= DRAWN_AT_MOST;
    this.chosen = null;
    this.picture = element("div", { class: "scroll" });
    this.told = element("div", { class: "told" });
    this.found = element("div", { class: "bar" });
  }

  // Draw all, or what is around a node.
  show(node = this.chosen) {
    this.chosen = node ?? (this.whole ? null : this.firstOfInterest());
    const around = this.whole ? this.places : surroundings(this.chosen.place, this.above, this.below);
    const inside = new Set(around);
    const edges = this.data.edges.filter(([from, to]) => inside.has(from) && inside.has(to));
    const left = this.whole ? "" : ` Drawn: ${around.length} of ${this.places.length.toLocaleString("en")}, around ${this.chosen.label}.`;
    this.picture.replaceChildren(this.draw(layered(around, edges)));
    this.told.replaceChildren(...(this.chosen ? aboutNode(this.chosen) : [this.hint()]), ...this.tests(), left);
    this.picture.dataset.nodes = around.length;
    this.centre();
  }

  // What was chosen comes into sight; the page itself stays where it is.
  centre() {
    const chosen = this.picture.querySelector(".chosen");
    if (!chosen) return;
    const [box, room] = [chosen.getBoundingClientRect(), this.picture.getBoundingClientRect()];
    this.picture.scrollLeft += (box.left + box.right - room.left - room.right) / 2;
    this.picture.scrollTop += (box.top + box.bottom - room.top - room.bottom) / 2;
  }

  choose(node) {
    const drawn = TESTS.has(node.type) ? this.data.nodes.find((one) => one.id === node.parent) : node;
    if (drawn && this.places.includes(drawn.place)) this.show(drawn);
  }

  firstOfInterest() {
    const known = this.places.map((place) => this.data.all[place]);
    return known.find((node) => node.outcome === "failed") ?? known.find((node) => node.outcome === "warning")
      ?? known.reduce((most, node) => (this.degree(node) > this.degree(most) ? node : most));
  }

  degree(node) {
    return (this.above.get(node.place)?.length ?? 0) + (this.below.get(node.place)?.length ?? 0);
  }

  hint() {
    return element("p", { class: "faint" }, "A click on a node tells about it, with its tests. Dashed: it did not run, or was not part of this run.");
  }

  tests() {
    const tests = (this.chosen && this.data.tests.get(this.chosen.id)) ?? [];
    return tests.map((test) => element("p", {}, state(test.outcome, test.status), ` ${test.label} `,
      element("span", { class: "faint" }, test.outcome === "success" ? "" : test.message ?? "")));
  }

  search(text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (node) => words.every((word) => node.words.includes(word));
    const found = words.length ? this.places.map((place) => this.data.all[place]).filter(fits) : [];
    const buttons = found.slice(0, FOUND_AT_MOST).map((node) =>
      element("button", { type: "button", onclick: () => this.show(node) }, `${SIGNS[node.outcome]} ${node.label}`));
    const more = found.length > FOUND_AT_MOST ? `and ${found.length - FOUND_AT_MOST} more` : "";
    this.found.replaceChildren(...buttons, more || (words.length && !found.length ? "None is called so." : ""));
  }

  draw({ columns, paths }) {
    const tallest = Math.max(...columns.map((column) => column.length), 1);
    columns.forEach((column, index) => column.forEach((cell) => {
      cell.x = BOX.margin + index * BOX.column;
      cell.y = BOX.margin + (cell.at + tallest / 2) * BOX.row;
    }));
    const [width, height] = [columns.length * BOX.column - (BOX.column - BOX.width) + 2 * BOX.margin, tallest * BOX.row + 2 * BOX.margin];
    const scale = Math.min(1, Math.max(SMALLEST, (this.picture.clientWidth - 2) / width));
    const sizes = { width: width * scale, height: height * scale, viewBox: `0 0 ${width} ${height}` };
    const drawn = svg("svg", { ...sizes, role: "group", "aria-label": "Lineage" });
    for (const path of paths) drawn.append(this.edge(path));
    for (const cell of columns.flat()) if (!cell.passing) drawn.append(this.box(cell));
    return drawn;
  }

  edge({ from, to, cells }) {
    const middle = BOX.height / 2;
    let way = `M${cells[0].x + BOX.width},${cells[0].y + middle}`;
    cells.slice(1).forEach((cell, index) => {
      const [x, half] = [cells[index].x + BOX.width, (BOX.column - BOX.width) / 2];
      way += `C${x + half},${cells[index].y + middle} ${cell.x - half},${cell.y + middle} ${cell.x},${cell.y + middle}`;
      if (cell.passing) way += `H${cell.x + BOX.width}`;
    });
    const near = this.chosen && (from === this.chosen.place || to === this.chosen.place);
    return svg("path", { class: near ? "edge near" : "edge", d: way });
  }

  box({ place, x, y }) {
    const node = this.data.all[place];
    const tests = this.data.tests.get(node.id) ?? [];
    const bad = tests.filter((test) => test.outcome === "failed" || test.outcome === "warning");
    const mark = bad.length ? `${SIGNS[bad.some((test) => test.outcome === "failed") ? "failed" : "warning"]} ${bad.length}/${tests.length}` : "";
    const show = () => this.show(node);
    const drawn = svg("g", {
      class: `node ${node.outcome}${node === this.chosen ? " chosen" : ""}`, transform: `translate(${x},${y})`, tabindex: 0, role: "button", "data-label": node.label,
      "aria-label": `${node.label}, ${node.type}, ${node.status ?? "not part of this run"}${bad.length ? `, ${count(bad.length, "test")} failed or warned` : ""}`,
      onclick: show, onkeydown: (event) => { if (event.key === "Enter") show(); },
    });
    drawn.append(
      svg("rect", { class: "box", width: BOX.width, height: BOX.height, rx: 4 }),
      svg("rect", { class: "side", width: 20, height: BOX.height, rx: 4 }),
      svg("text", { class: "sign", x: 6, y: 17.5 }, SIGNS[node.outcome]),
      svg("text", { x: 26, y: 17.5 }, shortened(node.label, mark ? 17 : 22)),
      svg("text", { x: BOX.width - 6, y: 17.5, "text-anchor": "end" }, mark),
      svg("title", {}, `${node.label} (${node.type}): ${node.status ?? "not part of this run"}`),
    );
    return drawn;
  }
}

// What is drawn: all that edges join, and models and the like without any. The last result of each node counts.
function placesOf(data) {
  const last = new Map(data.all.filter((node) => !TESTS.has(node.type) && node.type !== "operation").map((node) => [node.id, node.place]));
  return [...last.values()];
}

function neighbours(edges, key, value) {
  const found = new Map();
  for (const edge of edges) {
    if (!found.has(edge[key])) found.set(edge[key], []);
    found.get(edge[key]).push(edge[value]);
  }
  return found;
}

function surroundings(place, above, below) {
  const found = new Set([place]);
  for (const next of [above, below]) {
    let front = [place];
    for (let step = 0; step < AROUND.steps; step++) {
      front = front.flatMap((one) => next.get(one) ?? []).filter((one) => !found.has(one));
      for (const one of front) if (found.size < AROUND.nodes) found.add(one);
    }
  }
  return [...found];
}
