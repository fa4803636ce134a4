// Columns of text.

#ifndef IQCTL_TEXT_TABLE_H_
#define IQCTL_TEXT_TABLE_H_

#include <string>
#include <vector>

#include "iqctl/text/terminal.h"

namespace iqctl {

struct Column {
  std::string heading;
  bool is_right_aligned = false;
  bool may_be_cut = false;  // Where the terminal is too narrow.
};

struct Cell {
  Cell(std::string cell_text, Style cell_style = Style::kPlain)  // NOLINT: a text is a cell.
      : text(std::move(cell_text)), style(cell_style) {}
  Cell(const char* cell_text) : text(cell_text) {}  // NOLINT

  std::string text;
  Style style = Style::kPlain;
};

// Rows below headings, as wide as they need to be. On a terminal that is narrower, columns that may be
// cut are, the widest first, down to eight characters; a cut text ends in "…".
class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // As many cells as there are columns.
  void AddRow(std::vector<Cell> cells);

  bool empty() const { return rows_.empty(); }

  std::string ToString(const Terminal& terminal) const;

 private:
  std::vector<size_t> Widths(size_t limit) const;

  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

// "Name:   value" lines, the values below each other. A name without a value is left out.
class FieldList {
 public:
  void Add(std::string name, Cell value);
  std::string ToString(const Terminal& terminal) const;

 private:
  struct Field {
    std::string name;
    Cell value;
  };
  std::vector<Field> fields_;
};

}  // namespace iqctl

#endif  // IQCTL_TEXT_TABLE_H_
