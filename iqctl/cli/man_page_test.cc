#include "iqctl/cli/man_page.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "iqctl/cli/testing/example_table.h"

namespace iqctl {
namespace {

using testing::HasSubstr;

TEST(ManPage, HasEverySectionAndEscapesWhatRoffWouldTakeForARequest) {
  const std::string page = ManPage(ExampleTable(), "1.2.3");
  for (const char* text :
       {".TH PETS 1 \"\" \"iqgate 1.2.3\" \"iqgate\"\n", ".SH NAME\npets \\- looks after pets\n",
        ".SH SYNOPSIS\n\\fBpets\\fR", ".PP\n\\&.A second one, with a \\e and",
        ".SS \"pets pet feed PET... [OPTION...]\"\nFeeds pets.\n.PP\nThey eat it.\n",
        ".TP\n\\fB\\-f, \\-\\-food FOOD\\fR\nWhat they get. One of: fish, hay.\n",
        ".SH \"EXIT STATUS\"\n.TP\n\\fB0\\fR\nDone.\n",
        ".SH ENVIRONMENT\n.TP\n\\fBPET_WHERE\\fR\nStands in for \\-\\-where.\n", "\\fBNO_COLOR\\fR",
        ".nf\npets look\n.fi\n"}) {
    EXPECT_THAT(page, HasSubstr(text));
  }
}

}  // namespace
}  // namespace iqctl
