// Draws the page of all values with DataTables. Every text from the data enters the page as a text node.
"use strict";
(() => {
  const words = semsr.get("verdicts");
  const data = semsr.get("values");
  const host = document.getElementById("values-host");
  const search = document.getElementById("search");
  const status = document.getElementById("table-status");
  const filters = [...document.querySelectorAll("[data-filter]")];
  // A value is [block, row, column, value, ours as printed, published as printed, verdict]; the first three point into lists.
  const blockOf = (line) => data.blocks[line[0]];
  const rowOf = (line) => data.rows[line[1]];
  const facts = {
    track: (line) => blockOf(line).track,
    table: (line) => blockOf(line).table,
    dataset: (line) => blockOf(line).dataset,
    metric: (line) => data.columns[line[2]],
    trust: (line) => rowOf(line).trust,
    licence: (line) => rowOf(line).licence,
    verdict: (line) => line[6],
  };

  function make(tag, className, text) {
    const node = document.createElement(tag);
    node.className = className;
    node.textContent = text;
    return node;
  }

  function link(text, href) {
    if (!href) {
      return make("span", "", text);
    }
    const node = make("a", "", text);
    node.href = href;
    return node;
  }

  function verdict(kind) {
    if (!kind) {
      return make("span", "soft", "");
    }
    const node = make("span", `verdict v-${kind}`, "");
    const sign = make("span", "sign", words[kind].sign);
    sign.setAttribute("aria-hidden", "true");
    node.append(sign, make("span", "word", words[kind].word));
    return node;
  }

  const shown = (text, node) => (line, type) => (type === "display" ? node(line) : text(line));
  const missing = (value) => value === null || Number.isNaN(value);
  DataTable.ext.type.order["value-asc"] = (a, b) => (missing(a) ? (missing(b) ? 0 : 1) : missing(b) ? -1 : a - b);
  DataTable.ext.type.order["value-desc"] = (a, b) => (missing(a) ? (missing(b) ? 0 : 1) : missing(b) ? -1 : b - a);
  const number = (text, value, className) => (line, type) =>
    type === "display" ? make("span", className, text(line)) : type === "filter" ? text(line) : value(line);

  const element = make("table", "values long", "");
  element.append(make("caption", "hidden-text", "All values"));
  host.append(element);
  const plain = (title, render) => ({ title, data: null, render });
  const table = new DataTable(element, {
    data: data.values,
    deferRender: true,
    autoWidth: false,
    order: [],
    pageLength: 50,
    lengthMenu: [25, 50, 100, 200],
    layout: { topStart: null, topEnd: null, bottomStart: null, bottomEnd: null, bottom: ["info", "pageLength", "paging"] },
    columns: [
      { ...plain("Method", shown((line) => rowOf(line).label, (line) => link(rowOf(line).label, rowOf(line).page))), cellType: "th", className: "head", createdCell: (cell) => cell.setAttribute("scope", "row") },
      plain("Table", shown((line) => blockOf(line).title, (line) => link(blockOf(line).title, blockOf(line).page))),
      plain("Data set", shown((line) => blockOf(line).label, (line) => make("span", "", blockOf(line).label))),
      plain("Metric", shown((line) => data.columns[line[2]], (line) => make("span", "", data.columns[line[2]]))),
      { ...plain("Ours", number((line) => line[4], (line) => (line[3] === null ? null : Number(line[3])), "ours")), type: "value", className: "value" },
      { ...plain("Published", number((line) => line[5], (line) => (line[5] === "" ? null : Number(line[5])), "")), type: "value", className: "value" },
      plain("Verdict", shown((line) => (line[6] ? words[line[6]].word : ""), (line) => verdict(line[6]))),
      plain("Trust", shown((line) => rowOf(line).trust, (line) => make("span", "", rowOf(line).trust))),
    ],
    language: { zeroRecords: "No value fits these filters.", emptyTable: "There are no values." },
  });
  table.search.fixed("filters", (text, line) => filters.every((each) => !each.value || facts[each.dataset.filter](line) === each.value));

  function update() {
    table.search(search.value).draw();
    status.textContent = `${table.rows({ search: "applied" }).count().toLocaleString("en")} of ${table.rows().count().toLocaleString("en")} values`;
  }

  // `#verdict=not-reproduced&table=...` opens the page filtered; a changed filter changes the address.
  try {
    const asked = new URLSearchParams(location.hash.slice(1));
    filters.forEach((each) => {
      const value = asked.get(each.dataset.filter);
      if (value && [...each.options].some((option) => option.value === value)) {
        each.value = value;
      }
    });
  } catch {
    // an address that can't be read filters nothing
  }
  filters.forEach((each) => each.addEventListener("change", () => {
    const chosen = new URLSearchParams(filters.filter((one) => one.value).map((one) => [one.dataset.filter, one.value]));
    history.replaceState(null, "", `#${chosen}`);
    update();
  }));
  search.addEventListener("input", update);
  update();
})();
