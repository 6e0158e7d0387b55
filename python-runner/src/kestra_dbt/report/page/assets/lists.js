// Tables and lists: what failed and why, and what took long.

const TOLD = { first: 5, most: 100 };
const TABLE = { first: 25, more: 100 };

function head(data) {
  const began = data.began ? element("p", { class: "faint" }, `Began ${moment(data.began)}, took ${duration(data.summary.seconds * 1000)}.`) : "";
  const figures = OUTCOMES.filter((outcome) => outcome !== "unfinished").map((outcome) => [outcome, data.summary[outcome]])
    .filter(([, number]) => number).map(([outcome, number]) => element("li", {}, element("b", {}, number.toLocaleString("en")), state(outcome)));
  const rows = data.summary.rows_affected ? element("li", {}, element("b", {}, data.summary.rows_affected.toLocaleString("en")), "rows") : "";
  const titled = data.outcome === "stopped" ? "unfinished" : data.outcome;
  return [
    element("h1", {}, "dbt: ", state(titled, data.outcome)),
    data.reason ? element("p", {}, data.reason) : "",
    began,
    element("ul", { class: "figures" }, element("li", {}, element("b", {}, data.summary.nodes.toLocaleString("en")), "nodes"), ...figures, rows),
    ...data.invocations.map(invocation),
  ];
}

function invocation({ title, selection, exit_code, nodes, warnings }) {
  const ended = exit_code === null ? "ended early" : `exit code ${exit_code}`;
  return element("div", {},
    element("p", {}, element("span", { class: "code" }, [title, selection].filter(Boolean).join(" ")), `: ${count(nodes, "node")}, ${ended}`),
    ...warnings.map((warning) => element("p", { class: "faint" }, state("warning"), ` ${warning}`)));
}

function failures(data) {
  const told = ["failed", "warning"].flatMap((outcome) => data.nodes.filter((node) => node.outcome === outcome));
  if (!told.length) return [];
  const [first, more] = [told.slice(0, TOLD.first), told.slice(TOLD.first, TOLD.most)];
  const left = told.length - first.length - more.length;
  const others = element("details", {}, element("summary", {}, `${(told.length - first.length).toLocaleString("en")} more`),
    ...more.map((node) => failure(node, data.sql[node.id])),
    left ? element("p", { class: "faint" }, `And ${left.toLocaleString("en")} more: choose the state below.`) : "");
  return [
    element("h2", {}, "What failed or warned"),
    ...first.map((node, index) => failure(node, data.sql[node.id], index < 3)),
    more.length ? others : "",
  ];
}

function failure(node, sql, open = false) {
  const named = element("summary", {}, state(node.outcome, node.status), " ", element("b", {}, node.label), ` ${node.type}`,
    node.path ? element("span", { class: "faint" }, ` in ${node.path}`) : "");
  const made = element("details", {}, named, element("p", { class: "faint code" }, node.id),
    node.message ? element("pre", {}, node.message) : "",
    node.query ? element("p", {}, "Its rows: ", element("span", { class: "code" }, node.query)) : "",
    sql ? element("details", {}, element("summary", {}, "Compiled SQL"), element("pre", { class: "sql" }, sql)) : "");
  made.open = open;
  return made;
}

class Slowest {
  constructor(data) {
    this.longest = Math.max(...data.nodes.map((node) => node.ran ? node.took : 0), 1);
    this.body = element("tbody");
    this.more = element("button", { type: "button", onclick: () => this.add(TABLE.more) });
    const names = [["Node"], ["Type"], ["State"], ["Took", "number"], [""], ["Waited", "number"], ["Rows", "number"]];
    const heads = names.map(([name, kind]) => element("th", kind ? { class: kind, scope: "col" } : { scope: "col" }, name));
    this.table = element("table", {}, element("thead", {}, element("tr", {}, ...heads)), this.body);
  }

  show(nodes) {
    this.nodes = [...nodes].sort((one, two) => two.ran * two.took - one.ran * one.took);
    this.shown = 0;
    this.body.replaceChildren();
    this.add(TABLE.first);
  }

  add(number) {
    this.body.append(...this.nodes.slice(this.shown, this.shown + number).map((node) => this.row(node)));
    this.shown = Math.min(this.shown + number, this.nodes.length);
    const left = this.nodes.length - this.shown;
    this.more.hidden = left === 0;
    this.more.textContent = `${Math.min(left, TABLE.more)} more of ${left.toLocaleString("en")}`;
  }

  row(node) {
    const cells = [
      element("td", { class: "name", title: node.id }, node.label),
      element("td", {}, node.type),
      element("td", {}, state(node.outcome, node.status)),
      element("td", { class: "number" }, node.ran ? duration(node.took) : ""),
      element("td", { class: "length", "aria-hidden": "true" }, this.length(node)),
      element("td", { class: "number" }, node.ran && node.waited ? duration(node.waited) : ""),
      element("td", { class: "number" }, node.rows === null ? "" : node.rows.toLocaleString("en")),
    ];
    return element("tr", {}, ...cells);
  }

  length(node) {
    const bar = element("div");
    bar.style.width = node.ran ? `${(100 * node.took) / this.longest}%` : "0";
    return bar;
  }
}
