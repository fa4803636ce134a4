// What is known of where the output goes.

#ifndef IQCTL_TEXT_TERMINAL_H_
#define IQCTL_TEXT_TERMINAL_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace iqctl {

// A file or a pipe, unless it is said to be a terminal: no colour, no end of a line. A value.
struct Terminal {
  bool is_terminal = false;
  bool has_colour = false;
  size_t width = 0;   // Columns; 0: as many as there are.
  size_t height = 0;  // Lines; 0: as many as there are.

  // Of standard output. The environment's NO_COLOR, if it is not empty, and TERM=dumb take the colour
  // away.
  static Terminal OfStandardOutput();
};

enum class Style { kPlain, kHeading, kGood, kWarning, kBad, kDim };

// `text` with the terminal's codes for `style` around it, where there is colour.
std::string Styled(absl::string_view text, Style style, const Terminal& terminal);

// What the other end says, made fit for a terminal: control characters become "?".
std::string Printable(absl::string_view text);

// How many columns `text`, in UTF-8, takes; each character counts one.
size_t DisplayWidth(absl::string_view text);

}  // namespace iqctl

#endif  // IQCTL_TEXT_TERMINAL_H_
