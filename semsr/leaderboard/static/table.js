// Draws a table's data with DataTables. Every text from the data enters the page as a text node.
"use strict";
(() => {
  const SIGNS = semsr.get("verdicts");
  const host = document.getElementById("table-host");
  const choose = document.getElementById("block");
  const status = document.getElementById("table-status");
  const tip = document.getElementById("tip");
  const filters = [...document.querySelectorAll("[data-filter]")];
  const sanity = document.getElementById("show-sanity");
  let table = null;

  function make(tag, className, text) {
    const node = document.createElement(tag);
    if (className) {
      node.className = className;
    }
    if (text !== undefined) {
      node.textContent = text;
    }
    return node;
  }

  function verdictNode(kind) {
    const node = make("span", `verdict v-${kind}`);
    const sign = make("span", "sign", SIGNS[kind].sign);
    sign.setAttribute("aria-hidden", "true");
    node.append(sign, make("span", "word", SIGNS[kind].word));
    return node;
  }

  function cellNode([, ours, published, flags, kind, lines]) {
    const node = make("button", "cell");
    node.type = "button";
    node.tabIndex = -1;
    const value = make("span", flags.includes("b") ? "ours best" : flags.includes("v") ? "ours" : "ours none", ours);
    node.append(value);
    if (flags.includes("t") || flags.includes("b")) {
      value.append(make("span", "hidden-text", flags.includes("b") ? " significantly best" : " tied with the best"));
    }
    if (flags.includes("t") && !flags.includes("b")) {
      value.classList.add("tied");
    }
    if (published) {
      const line = make("span", flags.includes("e") ? "published elsewhere" : "published");
      line.append(make("span", "hidden-text", flags.includes("e") ? " published of other pictures " : " published "), published);
      node.append(line);
    }
    if (kind) {
      node.append(verdictNode(kind));
    }
    node.tipLines = lines;
    return node;
  }

  function rowHead(row) {
    const node = make("div", "row-head");
    let name = make("span", "name", row.label);
    if (row.page) {
      name = make("a", "name", row.label);
      name.href = row.page;
    }
    node.append(name);
    const tags = make("span", "tags");
    if (row.sanity) {
      tags.append(make("span", "tag", "sanity"));
    }
    const level = row.only ? "published only" : row.trust || (row.cells.some((cell) => cell[3].includes("v")) ? "" : "no value");
    if (level) {
      tags.append(make("span", "tag", level));
    }
    if (row.seeds) {
      tags.append(make("span", "tag", row.seeds > 1 ? `${row.seeds} seeds` : "1 seed"));
    }
    if (row.licence === "non-commercial") {
      tags.append(make("span", "tag", "non-commercial"));
    }
    if (row.warnings.length) {
      const warn = make("button", "tag warn", row.warnings.length > 1 ? `${row.warnings.length} warnings` : "1 warning");
      warn.type = "button";
      warn.tipLines = row.warnings;
      tags.append(warn);
    }
    node.append(tags);
    return node;
  }

  // Without a value: last, whichever way the column is sorted.
  const missing = (value) => value === null || value === undefined;
  const number = (value) => (missing(value) ? null : Number(value));
  DataTable.ext.type.order["value-asc"] = (a, b) => (missing(a) ? (missing(b) ? 0 : 1) : missing(b) ? -1 : a - b);
  DataTable.ext.type.order["value-desc"] = (a, b) => (missing(a) ? (missing(b) ? 0 : 1) : missing(b) ? -1 : b - a);

  function columnsOf(block) {
    const head = {
      title: "Method",
      cellType: "th",
      data: null,
      className: "head",
      render: (row, type) => (type === "display" ? rowHead(row) : row.label),
      createdCell: (cell) => cell.setAttribute("scope", "row"),
    };
    const heading = (column) => `${column.title} ${column.direction === "higher" ? "↑" : "↓"}${column.unit ? ` [${column.unit}]` : ""}`;
    const values = block.columns.map((column, at) => ({
      title: make("span", "", heading(column)).outerHTML,
      ariaTitle: heading(column),
      data: null,
      type: "value",
      className: "value",
      orderSequence: column.direction === "higher" ? ["desc", "asc", ""] : ["asc", "desc", ""],
      render: (row, type) => {
        const cell = row.cells[at];
        return type === "display" ? cellNode(cell) : type === "filter" ? `${cell[1]} ${cell[2]}` : number(cell[0]);
      },
    }));
    return [head, ...values];
  }

  function matches(row) {
    if (sanity && !sanity.checked && row.sanity) {
      return false;
    }
    return filters.every((select) => {
      if (!select.value) {
        return true;
      }
      const found = row[select.dataset.filter];
      return Array.isArray(found) ? found.includes(select.value) : found === select.value;
    });
  }

  function draw(block) {
    if (table) {
      table.destroy();
      host.replaceChildren();
    }
    const element = make("table", "values");
    element.append(make("caption", "hidden-text", `${document.querySelector("h1").textContent}, ${block.label}`));
    host.append(element);
    const long = block.rows.length > 100;
    table = new DataTable(element, {
      data: block.rows,
      columns: columnsOf(block),
      deferRender: true,
      autoWidth: false,
      order: [],
      paging: long,
      pageLength: 50,
      lengthMenu: [25, 50, 100, 200],
      layout: { topStart: null, topEnd: null, bottomStart: null, bottomEnd: null, top: null, bottom: long ? ["info", "pageLength", "paging"] : null },
      rowCallback: (line, row) => {
        line.classList.toggle("sanity", row.sanity);
        line.classList.toggle("only", row.only);
      },
      drawCallback: () => {
        const first = element.querySelector("tbody .cell");
        if (first) {
          first.tabIndex = 0;
        }
      },
      language: { zeroRecords: "No row fits these filters.", emptyTable: "This table has no rows." },
    });
    table.search.fixed("filters", (text, row) => matches(row));
    update();
    document.querySelectorAll("[data-block]").forEach((node) => {
      node.hidden = node.dataset.block !== block.key;
    });
  }

  function update() {
    if (!table) {
      return;
    }
    const text = document.getElementById("search").value;
    table.search(text).draw();
    status.textContent = `${table.rows({ search: "applied" }).count()} of ${table.rows().count()} rows`;
  }

  function asked() {
    try {
      return decodeURIComponent(location.hash.slice(1));
    } catch {
      return ""; // an address that can't be read asks for nothing
    }
  }

  async function show(key, remember) {
    const option = [...choose.options].find((each) => each.value === key) || choose.options[0];
    if (!option) {
      return;
    }
    choose.value = option.value;
    try {
      await semsr.load(option.dataset.src);
    } catch (error) {
      host.replaceChildren(make("p", "", error.message));
      return;
    }
    if (remember) {
      history.replaceState(null, "", `#${encodeURIComponent(option.value)}`);
    }
    draw(semsr.get(option.dataset.key));
  }

  // Tips: on pointing and on focus; Escape closes. One element, so that long tables stay light.
  function showTip(node) {
    if (!node.tipLines || !node.tipLines.length) {
      return;
    }
    tip.replaceChildren(...node.tipLines.map((line) => make("p", "", line)));
    tip.hidden = false;
    node.setAttribute("aria-describedby", "tip");
    const at = node.getBoundingClientRect();
    const size = tip.getBoundingClientRect();
    const left = Math.max(8, Math.min(at.left, document.documentElement.clientWidth - size.width - 8));
    const below = at.bottom + 6;
    const top = below + size.height > window.innerHeight ? Math.max(8, at.top - size.height - 6) : below;
    tip.style.left = `${left}px`;
    tip.style.top = `${top}px`;
  }

  function hideTip() {
    tip.hidden = true;
    document.querySelectorAll("[aria-describedby='tip']").forEach((node) => node.removeAttribute("aria-describedby"));
  }

  const tipped = (event) => (event.target instanceof Element ? event.target.closest(".cell, .tag.warn") : null);
  host.addEventListener("mouseover", (event) => {
    const node = tipped(event);
    hideTip();
    if (node) {
      showTip(node);
    }
  });
  host.addEventListener("mouseleave", hideTip);
  host.addEventListener("focusin", (event) => {
    const node = tipped(event);
    hideTip();
    if (node) {
      showTip(node);
    }
  });
  host.addEventListener("focusout", hideTip);
  host.addEventListener("click", (event) => {
    const node = tipped(event);
    if (node) {
      showTip(node);
    }
  });
  document.addEventListener("scroll", hideTip, true);

  // The table is one stop of the Tab key; arrows move among its values.
  host.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      hideTip();
    }
    const from = event.target instanceof Element ? event.target.closest(".cell") : null;
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -Infinity], End: [0, Infinity] };
    if (!from || !(event.key in moves)) {
      return;
    }
    event.preventDefault();
    const lines = [...host.querySelectorAll("tbody tr")].map((line) => [...line.querySelectorAll(".cell")]);
    const row = lines.findIndex((line) => line.includes(from));
    const [down, right] = moves[event.key];
    const line = lines[Math.max(0, Math.min(lines.length - 1, row + down))];
    const to = line[Math.max(0, Math.min(line.length - 1, lines[row].indexOf(from) + right))];
    if (to && to !== from) {
      from.tabIndex = -1;
      to.tabIndex = 0;
      to.focus();
    }
  });

  choose.addEventListener("change", () => show(choose.value, true));
  document.getElementById("search").addEventListener("input", update);
  [...filters, sanity].forEach((control) => control && control.addEventListener("change", update));
  window.addEventListener("hashchange", () => {
    // Other links within the page lead to its parts, not to a data set.
    if (asked() !== choose.value && [...choose.options].some((each) => each.value === asked())) {
      show(asked(), false);
    }
  });
  show(asked(), false);
})();
