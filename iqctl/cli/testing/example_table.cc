#include "iqctl/cli/testing/example_table.h"

namespace iqctl {

CommandTable ExampleTable() {
  CommandTable table;
  table.program = "pets";
  table.summary = "looks after pets";
  table.description = "The first paragraph.\n.A second one, with a \\ and a dot in front.";
  table.groups = {{"pet", "What pets need."}};
  table.common_options = {
      {"where", 0, "PLACE", "Where they are.", "here", "PET_WHERE"},
      {"list", 0, "FILE", "Names.", {}, {}, {}, true},
  };
  table.examples = {{"pets look", "Are they well?"}};

  Command feed;
  feed.group = "pet";
  feed.name = "feed";
  feed.summary = "Feeds pets.";
  feed.description = "They eat it.";
  feed.arguments = {{"PET", "Who is hungry.", true, true}};
  feed.options = {{"food", 'f', "FOOD", "What they get.", {}, {}, {"fish", "hay"}},
                  {"slowly", 0, "", "Without haste."}};
  feed.examples = {{"pets pet feed cat -f fish", "A cat."}};

  Command look;
  look.name = "look";
  look.summary = "Looks at them.";
  look.arguments = {{"SIDE", "From where.", false, false, {"up", "down"}}};
  table.commands = {feed, look};
  return table;
}

}  // namespace iqctl
