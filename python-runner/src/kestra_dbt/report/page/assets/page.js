// Puts the views together. What follows # in the address says what is shown first, as #find=orders&state=failed&rows=threads&node=model.shop.orders.

function fill(name, ...children) {
  document.getElementById(name).append(...children.filter(Boolean));
}

function main() {
  const data = readData();
  document.title = `dbt: ${data.outcome}`;
  fill("head", ...head(data));
  fill("failures", ...failures(data));
  if (data.nodes.length) showNodes(data, new URLSearchParams(location.hash.slice(1)));
}

function showNodes(data, wanted) {
  const lineage = new Lineage(data);
  const gantt = new Gantt(data, (node) => lineage.choose(node));
  const slowest = new Slowest(data);
  const filter = new Filter(data, wanted, (nodes) => { gantt.show(nodes); slowest.show(nodes); });
  if (wanted.get("rows") in ROW) gantt.by = wanted.get("rows");
  fill("filter", filter.bar);
  fill("gantt", element("h2", {}, "When it ran"), rowKinds(gantt, filter), gantt.scroll, gantt.told);
  fill("slowest", element("h2", {}, "Slowest nodes"), slowest.table, slowest.more);
  filter.apply();
  if (lineage.places.length) {
    fill("lineage", element("h2", {}, "Lineage"), ...aroundLineage(data, lineage));
    lineage.show(data.all.find((node) => node.id === wanted.get("node")));
  }
}

function rowKinds(gantt, filter) {
  const kinds = Object.keys(ROW).reverse();
  const buttons = kinds.map((kind) => {
    const choose = () => { press(kind); gantt.show(filter.nodes(), kind); };
    return element("button", { type: "button", onclick: choose }, `A row a ${kind.slice(0, -1)}`);
  });
  const press = (chosen) => buttons.forEach((button, index) => button.setAttribute("aria-pressed", kinds[index] === chosen));
  press(gantt.by);
  return element("p", { class: "bar" }, ...buttons);
}

function aroundLineage(data, lineage) {
  const find = (event) => lineage.search(event.target.value);
  const search = element("input", { type: "search", placeholder: "find a node", "aria-label": "Find a node in the lineage", oninput: find });
  const unknown = data.edges.length ? "" : element("p", { class: "faint" }, "Nothing here tells what depends on what: there is no manifest, or no refs.");
  return [unknown, element("div", { class: "bar" }, search, lineage.found), lineage.picture, lineage.told];
}

main();
