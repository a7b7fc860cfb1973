// What was measured on one image: a table with a column for each picture that is shown.
(function () {
  "use strict";

  const { element } = semsr;
  const NONE = "–";

  // Load the files of per-image values that the viewer's data names; those that can't be read are left out and said.
  async function loadValues(references) {
    const found = [];
    const failed = [];
    for (const reference of references) {
      try {
        const images = await semsr.perImage.loadImages(reference);
        found.push({ ...images, values: await Promise.all(images.columns.map(semsr.perImage.loadColumn)) });
      } catch (error) {
        failed.push(error.message);
      }
    }
    return { found, failed };
  }

  // A value, or null where there is none.
  function valueOf(values, column, row, image) {
    const imageNumber = values.imageAt.get(image);
    const rowNumber = values.rowAt.get(row);
    if (imageNumber === undefined || rowNumber === undefined) return null;
    const value = values.values[column][rowNumber][imageNumber];
    return value === null || value === undefined ? null : Number(value);
  }

  function printed(value, column) {
    if (value === null) return NONE;
    return Number.isFinite(value) ? value.toFixed(column.decimals) : value > 0 ? "∞" : "−∞";
  }

  // One line a column of every protocol: {column, protocol, cells: one {text, best} for each key}.
  function lines(all, keys, image) {
    return all.flatMap((values) => values.columns.map((column, number) => {
      const measured = keys.map((key) => valueOf(values, number, key, image));
      const there = new Set(measured.filter((value) => value !== null));
      const best = there.size < 2 ? null : Math[column.direction === "higher" ? "max" : "min"](...there);
      return {
        column,
        protocol: values.protocol,
        empty: there.size === 0,
        cells: measured.map((value) => ({ text: printed(value, column), best: value !== null && value === best })),
      };
    }).filter((line) => !line.empty));
  }

  // The list below one pane; `number` is the pane's place in the lines.
  function valueList(made, number) {
    const several = new Set(made.map((line) => line.protocol)).size > 1;
    const list = element("dl", { class: "values" });
    if (made.every((line) => line.cells[number].text === NONE)) return list;
    for (const { column, protocol, cells } of made) {
      const cell = cells[number];
      const name = element("dt", { title: [column.how, protocol].filter(Boolean).join(" · ") }, head(column), several ? ` (${protocol})` : "");
      const value = element("dd", cell.best ? { class: "best" } : {}, cell.text);
      if (cell.best) value.append(element("span", { class: "hidden-text" }, ", best of those shown"));
      list.append(element("div", {}, name, value));
    }
    return list;
  }

  // Two pictures beside each other.
  function valueTable(made, labels) {
    if (!made.length) return element("p", { class: "soft" }, "Nothing was measured on this image.");
    const table = element("table", { class: "values" });
    table.append(element("caption", { class: "hidden-text" }, "Values of this image"));
    table.append(element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Metric"),
      ...labels.map((label) => element("th", { scope: "col" }, label)))));
    const body = element("tbody");
    for (const { column, protocol, cells } of made) {
      body.append(element("tr", {}, element("th", { scope: "row", title: [column.how, protocol].join(" · ") }, head(column)),
        ...cells.map((cell) => element("td", cell.best ? { class: "best" } : {}, cell.text))));
    }
    table.append(body);
    return table;
  }

  function head(column) {
    return `${column.title} ${column.direction === "higher" ? "↑" : "↓"}`;
  }

  semsr.viewerValues = { loadValues, lines, valueList, valueTable };
})();
