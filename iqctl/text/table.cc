#include "iqctl/text/table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/check.h"

namespace iqctl {
namespace {

constexpr char kGap[] = "  ";
constexpr size_t kGapWidth = 2;
constexpr size_t kLeastCutWidth = 8;

// The first `width` columns of `text`, the last of which says that it went on.
std::string Cut(const std::string& text, size_t width) {
  if (DisplayWidth(text) <= width) return text;
  size_t end = 0;
  for (size_t columns = 0; columns + 1 < width; ++columns) {
    // A character is its first byte and those that continue it.
    for (++end; end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80;) ++end;
  }
  return absl::StrCat(text.substr(0, end), "…");
}

std::string WithoutTrailingSpaces(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace

void Table::AddRow(std::vector<Cell> cells) {
  CHECK(cells.size() == columns_.size());
  for (Cell& cell : cells) cell.text = Printable(cell.text);
  rows_.push_back(std::move(cells));
}

std::vector<size_t> Table::Widths(size_t limit) const {
  std::vector<size_t> widths;
  for (const Column& column : columns_) widths.push_back(DisplayWidth(column.heading));
  for (const std::vector<Cell>& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], DisplayWidth(row[i].text));
    }
  }
  size_t total = kGapWidth * (columns_.size() - 1);
  for (const size_t width : widths) total += width;
  while (limit > 0 && total > limit) {
    size_t* widest = nullptr;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const size_t least = std::max(kLeastCutWidth, DisplayWidth(columns_[i].heading));
      if (!columns_[i].may_be_cut || widths[i] <= least) continue;
      if (widest == nullptr || widths[i] > *widest) widest = &widths[i];
    }
    if (widest == nullptr) break;
    --*widest;
    --total;
  }
  return widths;
}

std::string Table::ToString(const Terminal& terminal) const {
  const std::vector<size_t> widths = Widths(terminal.width);
  std::string result;
  const auto add_line = [&](const auto& cell_of) {
    std::string line;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const Cell& cell = cell_of(i);
      const std::string text = Cut(cell.text, widths[i]);
      const std::string padding(widths[i] - DisplayWidth(text), ' ');
      const std::string styled = Styled(text, cell.style, terminal);
      absl::StrAppend(&line, i == 0 ? "" : kGap, columns_[i].is_right_aligned ? padding : "",
                      styled, columns_[i].is_right_aligned ? "" : padding);
    }
    absl::StrAppend(&result, WithoutTrailingSpaces(std::move(line)), "\n");
  };
  std::vector<Cell> headings;
  for (const Column& column : columns_) headings.emplace_back(column.heading, Style::kHeading);
  add_line([&](size_t i) -> const Cell& { return headings[i]; });
  for (const std::vector<Cell>& row : rows_) {
    add_line([&](size_t i) -> const Cell& { return row[i]; });
  }
  return result;
}

void FieldList::Add(std::string name, Cell value) {
  if (value.text.empty()) return;
  value.text = Printable(value.text);
  fields_.push_back({std::move(name), std::move(value)});
}

std::string FieldList::ToString(const Terminal& terminal) const {
  size_t width = 0;
  for (const Field& field : fields_) width = std::max(width, DisplayWidth(field.name));
  std::string result;
  for (const Field& field : fields_) {
    absl::StrAppend(&result, Styled(absl::StrCat(field.name, ":"), Style::kHeading, terminal),
                    std::string(width - DisplayWidth(field.name), ' '), kGap,
                    Styled(field.value.text, field.value.style, terminal), "\n");
  }
  return result;
}

}  // namespace iqctl
