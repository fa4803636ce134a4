#include "tests/quickstart/ladder.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace quickstart {
namespace {

constexpr int kFirstLine = 14;  // Column of the first life line.
constexpr int kSpacing = 16;
constexpr int kFactColumn = kFirstLine + 3 * kSpacing + 2;

// A line of text by columns: each cell is one character, of any number of bytes.
using Row = std::vector<std::string>;

int ColumnOf(Party party) { return kFirstLine + static_cast<int>(party) * kSpacing; }

void Write(Row* row, int column, absl::string_view ascii) {
  for (char c : ascii) (*row)[column++] = std::string(1, c);
}

Row LifeLines() {
  Row row(kFactColumn, " ");
  for (Party party : {Party::kPhone, Party::kGateway, Party::kController, Party::kCore}) {
    row[ColumnOf(party)] = "│";
  }
  return row;
}

void DrawArrow(const Step& step, Row* row) {
  const bool rightwards = step.from < step.to;
  const int first = std::min(ColumnOf(step.from), ColumnOf(step.to)) + 1;
  int last = std::max(ColumnOf(step.from), ColumnOf(step.to)) - 1;
  if (step.style == Step::Style::kLost) last -= 2;
  for (int column = first; column <= last; ++column) {
    // What travels end to end is inside TLS only up to the gateway.
    const bool tls = step.style == Step::Style::kTls && column < ColumnOf(Party::kGateway);
    const bool crossing = (*row)[column] == "│";
    (*row)[column] = tls ? "═" : crossing ? "┼" : "─";
  }
  (*row)[rightwards ? last : first] = step.style == Step::Style::kLost ? "✕"
                                      : rightwards                     ? "▶"
                                                                       : "◀";
  // The label stands in the first gap, so that no life line runs through it.
  const int gap = rightwards ? ColumnOf(step.from) : ColumnOf(step.from) - kSpacing;
  const std::string label = absl::StrCat(" ", step.label, " ");
  Write(row, gap + 1 + std::max(0, (kSpacing - 1 - static_cast<int>(label.size())) / 2), label);
}

void Append(const Row& row, absl::string_view fact, std::string* out) {
  std::string line;
  for (const std::string& cell : row) line += cell;
  absl::StrAppend(&line, fact);
  absl::StrAppend(out, line.substr(0, line.find_last_not_of(' ') + 1), "\n");
}

}  // namespace

std::string Ladder::Draw(absl::Time start) const {
  std::vector<Step> steps = steps_;
  std::stable_sort(steps.begin(), steps.end(),
                   [](const Step& a, const Step& b) { return a.time < b.time; });
  std::string out;
  Row head(kFactColumn + 4, " ");
  Write(&head, 4, "ms");
  Write(&head, 8, "step");
  Write(&head, ColumnOf(Party::kPhone) - 1, "UE B");
  Write(&head, ColumnOf(Party::kGateway) - 3, "IMS-AGW");
  Write(&head, ColumnOf(Party::kController) - 3, "IMS-ALG");
  Write(&head, ColumnOf(Party::kCore) - 3, "core A");
  Append(head, "", &out);
  for (const Step& step : steps) {
    Row row = LifeLines();
    Write(&row, 0, absl::StrFormat("%6d", absl::ToInt64Milliseconds(step.time - start)));
    Write(&row, 8, step.number);
    DrawArrow(step, &row);
    for (size_t i = 0; i < std::max<size_t>(1, step.facts.size()); ++i) {
      Append(row, i < step.facts.size() ? step.facts[i] : "", &out);
      row = LifeLines();
    }
  }
  return out;
}

}  // namespace quickstart
