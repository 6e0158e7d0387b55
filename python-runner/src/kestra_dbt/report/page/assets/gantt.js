// When each node ran: uPlot draws the axes and zooms, the bars are painted here. Only rows in sight are.

const ROW = { nodes: 18, threads: 24 };
const TALLEST = 520;
const AXIS = 34;
const LABELS = { nodes: 190, threads: 110 };
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500].concat(
  [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800].map((seconds) => seconds * 1000));

class Gantt {
  constructor(data, choose) {
    this.data = data;
    this.choose = choose;
    this.by = data.nodes.length > 60 ? "threads" : "nodes";
    this.rows = [];
    this.pinned = null;
    this.chart = element("div", { class: "chart" });
    this.room = element("div");
    this.scroll = element("div", { class: "scroll", tabindex: "0", "aria-label": "Gantt chart; the table below has the same times" },
      this.room);
    this.room.append(this.chart);
    this.told = element("div", { class: "told", "aria-live": "polite" });
    this.scroll.addEventListener("scroll", () => this.look());
    onOtherColours(() => this.make());
    addEventListener("resize", () => this.plot?.setSize({ width: this.scroll.clientWidth, height: this.tall() }));
  }

  // Show these nodes, in rows of a kind.
  show(nodes, by = this.by) {
    this.by = by;
    const several = this.data.invocations.length > 1;
    this.rows = by === "nodes" ? rowsByNode(nodes) : rowsByThread(nodes, several);
    this.scroll.scrollTop = 0;
    this.make();
    this.tell(this.pinned);
  }

  make() {
    this.plot?.destroy();
    this.room.style.height = `${this.rows.length * ROW[this.by] + AXIS}px`;
    this.scroll.style.height = `${this.tall() + 2}px`;
    this.plot = new uPlot(this.options(), [[0, this.data.end], [0, 0]], this.chart);
    this.plot.over.addEventListener("click", () => this.pin());
  }

  tall() {
    return Math.min(Math.max(this.rows.length, 2) * ROW[this.by] + AXIS, TALLEST);
  }

  // Rows in sight, as the axis counts them: downwards.
  sight() {
    const top = this.scroll.scrollTop / ROW[this.by];
    return [-(top + (this.tall() - AXIS) / ROW[this.by]), -top];
  }

  look() {
    const [min, max] = this.sight();
    this.plot.setScale("y", { min, max });
  }

  options() {
    const text = { stroke: cssColour("--text"), font: "12px system-ui, sans-serif" };
    return {
      width: this.scroll.clientWidth || 1000,
      height: this.tall(),
      padding: [0, 16, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: true, y: false, dist: 5 } },
      scales: { x: { time: false }, y: { range: () => this.sight() } },
      series: [{}, { paths: () => null, points: { show: false } }],
      axes: [
        {
          ...text, size: AXIS, incrs: STEPS, grid: { stroke: cssColour("--line"), width: 1 }, ticks: { show: false },
          values: (_, splits) => splits.map((at, index) => tick(at, (splits[index + 1] ?? at) - (splits[index - 1] ?? at))),
        },
        {
          ...text, size: LABELS[this.by], gap: 6, grid: { show: false }, ticks: { show: false },
          splits: () => this.inSight().map((index) => -(index + 0.5)),
          values: (_, splits) => splits.map((at) => shortened(this.rows[Math.round(-at - 0.5)].label, 28)),
        },
      ],
      hooks: { draw: [(plot) => this.draw(plot)], setCursor: [(plot) => this.point(plot)] },
    };
  }

  // Numbers of the rows of which the middle is in sight.
  inSight() {
    const [bottom, top] = this.sight();
    const [first, last] = [Math.max(Math.ceil(-top - 0.5), 0), Math.min(Math.floor(-bottom - 0.5), this.rows.length - 1)];
    return Array.from({ length: Math.max(last - first + 1, 0) }, (_, index) => first + index);
  }

  draw(plot) {
    const { ctx: context, bbox: box } = plot;
    context.save();
    context.beginPath();
    context.rect(box.left, box.top, box.width, box.height);
    context.clip();
    const height = ROW[this.by] * devicePixelRatio;
    let drawn = 0;
    for (const index of this.inSight()) {
      const middle = plot.valToPos(-(index + 0.5), "y", true);
      for (const node of this.rows[index].nodes) {
        drawn += this.bar(plot, node, Math.round(middle - height * 0.38), Math.round(height * 0.76));
      }
    }
    context.restore();
    this.scroll.dataset.bars = drawn;
    this.scroll.dataset.rows = this.rows.length;
  }

  bar(plot, node, y, height) {
    const { ctx: context, bbox: box } = plot;
    const at = (time) => plot.valToPos(time, "x", true);
    const [queued, begin, end] = [at(node.queued), at(node.started), at(node.finished)];
    if (end < box.left || begin > box.left + box.width) return 0;
    if (this.by === "nodes" && begin - queued > 1) {
      context.fillStyle = cssColour("--line");
      context.fillRect(queued, y + height * 0.4, begin - queued, height * 0.2);
    }
    const gap = this.by === "threads" && end - begin > 3 ? 1 : 0;
    const width = Math.max(end - begin - gap, 2);
    paint(context, node.outcome, begin, y, width, height);
    if (node === this.pinned) {
      context.strokeStyle = cssColour("--text");
      context.lineWidth = 2 * devicePixelRatio;
      context.strokeRect(begin, y, width, height);
    }
    this.name(context, node, Math.max(begin, box.left), y, Math.min(end, box.left + box.width), height);
    return 1;
  }

  // The sign of its state on a bar, and in a row of many its name, where there is room.
  name(context, node, begin, y, end, height) {
    const text = this.by === "threads" ? `${SIGNS[node.outcome]} ${node.label}` : SIGNS[node.outcome];
    const letter = 7 * devicePixelRatio;
    const room = Math.floor((end - begin) / letter) - 1;
    if (room < (this.by === "threads" ? 8 : 1)) return;
    context.fillStyle = cssColour("--mark");
    context.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
    context.textAlign = "left";
    context.textBaseline = "middle";
    context.fillText(shortened(text, room), begin + letter / 2, y + height / 2 + 1);
  }

  point(plot) {
    const { left, top } = plot.cursor;
    const row = left < 0 ? undefined : this.rows[Math.floor(-plot.posToVal(top, "y"))];
    this.pointed = row ? nodeAt(row, plot.posToVal(left, "x"), 4 * (plot.posToVal(1, "x") - plot.posToVal(0, "x"))) : null;
    this.tell(this.pointed ?? this.pinned);
  }

  pin() {
    if (!this.pointed) return;
    this.pinned = this.pointed;
    this.plot.redraw(false);
    this.choose(this.pinned);
  }

  tell(node) {
    const hint = "Point at a bar to read about it; a click shows it in the lineage. Drag over a time to zoom in, double-click to zoom out.";
    this.told.replaceChildren(...(node ? aboutNode(node) : [element("p", { class: "faint" }, hint)]));
  }
}

function aboutNode(node) {
  const times = node.ran === undefined ? "not part of this run" : !node.ran ? "" : [
    `took ${duration(node.took)}${node.compiled ? `, ${duration(node.compiled - node.started)} of it until it was compiled` : ""}`,
    `began after ${duration(node.started)}`,
    node.waited ? `waited ${duration(node.waited)} for a thread` : "",
    node.rows === null ? "" : count(node.rows, "row"),
  ].filter(Boolean).join(", ");
  return [
    element("p", {}, state(node.outcome, node.status ?? node.outcome), " ", element("b", {}, node.label), ` ${node.type} `, times),
    element("p", { class: "faint code" }, node.id, node.path ? ` in ${node.path}` : ""),
    node.message ? element("p", {}, shortened(node.message, 300)) : "",
  ];
}
