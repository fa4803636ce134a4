// A sequence diagram in text: who sent what to whom, when, with the step numbers of TS 23.334.

#ifndef TESTS_QUICKSTART_LADDER_H_
#define TESTS_QUICKSTART_LADDER_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace quickstart {

// The columns, from left to right.
enum class Party { kPhone, kGateway, kController, kCore };

// One arrow.
struct Step {
  absl::Time time;
  std::string number;  // "10'", "2-4"; empty for what the figures leave out.
  Party from;
  Party to;
  std::string label;               // On the arrow; at most 11 columns between neighbours.
  std::vector<std::string> facts;  // Beside it, a line each; at most 36 columns.
  enum class Style { kPlain, kLost, kTls } style = Style::kPlain;
};

// Collects steps in any order and draws them by time. At most 100 columns wide. Lives on one
// thread.
class Ladder {
 public:
  void Add(Step step) { steps_.push_back(std::move(step)); }

  // Times are shown in milliseconds since `start`.
  std::string Draw(absl::Time start) const;

 private:
  std::vector<Step> steps_;
};

}  // namespace quickstart

#endif  // TESTS_QUICKSTART_LADDER_H_
