// Which nodes the chart and the table show: by words in their names, and by states.

class Filter {
  constructor(data, wanted, changed) {
    this.data = data;
    this.changed = changed;
    this.states = new Set(OUTCOMES.includes(wanted.get("state")) ? [wanted.get("state")] : []);
    this.search = element("input", { type: "search", placeholder: "filter by name", "aria-label": "Filter nodes by name", oninput: () => this.apply() });
    this.search.value = wanted.get("find") ?? "";
    this.buttons = OUTCOMES.map((outcome) => [outcome, data.nodes.filter((node) => node.outcome === outcome).length])
      .filter(([, number]) => number).map(([outcome, number]) => this.button(outcome, number));
    this.told = element("span", { class: "faint", "aria-live": "polite" });
    this.bar = element("div", { class: "bar" }, this.search, ...this.buttons, this.told);
  }

  button(outcome, number) {
    const toggle = () => {
      if (!this.states.delete(outcome)) this.states.add(outcome);
      this.apply();
    };
    return element("button", { type: "button", onclick: toggle, "data-state": outcome }, state(outcome), ` ${number.toLocaleString("en")}`);
  }

  apply() {
    for (const button of this.buttons) button.setAttribute("aria-pressed", this.states.has(button.dataset.state));
    const nodes = this.nodes();
    this.told.textContent = nodes.length === this.data.nodes.length ? "" : `${nodes.length.toLocaleString("en")} of ${count(this.data.nodes.length, "node")}`;
    this.changed(nodes);
  }

  nodes() {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (node) => (!this.states.size || this.states.has(node.outcome)) && words.every((word) => node.words.includes(word));
    return this.data.nodes.filter(fits);
  }
}
