#include "agw-service/realm/ip_realm.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace agw {
namespace {

using common::IpAddress;

IpAddress Ip(const char* text) { return *IpAddress::Parse(text); }

RealmAddress Address(const char* bind, const char* advertised) {
  return {Ip(bind), Ip(advertised), std::make_unique<PortPool>(40000, 40009, absl::ZeroDuration())};
}

// An access realm behind a NAT, with both families; a core realm and one that has to be named, with
// one family each.
RealmTable MakeTable() {
  std::vector<IpRealm> realms(3);
  realms[0].name = "access";
  realms[0].access_default = true;
  realms[0].addresses.push_back(Address("10.0.0.1", "192.0.2.1"));
  realms[0].addresses.push_back(Address("2001:db8::1", "2001:db8::1"));
  realms[1].name = "core";
  realms[1].core_default = true;
  realms[1].addresses.push_back(Address("10.0.1.1", "10.0.1.1"));
  realms[2].name = "roaming";
  realms[2].addresses.push_back(Address("2001:db8::2", "2001:db8::2"));
  for (IpRealm& realm : realms) {
    realm.first_port = 40000;
    realm.last_port = 40009;
  }
  return RealmTable(std::move(realms));
}

std::string NameOf(const IpRealm* realm) { return realm == nullptr ? "none" : realm->name; }

TEST(RealmTableTest, R_IQ_10_WithoutANameTheDefaultOfTheSide) {
  const RealmTable table = MakeTable();
  EXPECT_EQ(NameOf(table.Find("", Side::kAccess)), "access");
  EXPECT_EQ(NameOf(table.Find("", Side::kCore)), "core");
}

TEST(RealmTableTest, R_IQ_10_ANameCountsForEitherSide) {
  const RealmTable table = MakeTable();
  EXPECT_EQ(NameOf(table.Find("core", Side::kAccess)), "core");
  EXPECT_EQ(NameOf(table.Find("roaming", Side::kCore)), "roaming");
}

TEST(RealmTableTest, R_IQ_10_AnUnknownNameIsNotTheDefault) {
  const RealmTable table = MakeTable();
  EXPECT_EQ(table.Find("Access", Side::kAccess), nullptr);
  EXPECT_EQ(table.Find("acces", Side::kAccess), nullptr);
}

TEST(IpRealmTest, HasAnAddressOfAFamilyOrNone) {
  const RealmTable table = MakeTable();
  const IpRealm& access = *table.Find("access", Side::kAccess);
  EXPECT_EQ(access.FindAddress(/*ipv4=*/true)->bind, Ip("10.0.0.1"));
  EXPECT_EQ(access.FindAddress(/*ipv4=*/false)->bind, Ip("2001:db8::1"));
  EXPECT_EQ(table.Find("core", Side::kCore)->FindAddress(/*ipv4=*/false), nullptr);
  EXPECT_EQ(table.Find("roaming", Side::kCore)->FindAddress(/*ipv4=*/true), nullptr);
}

TEST(RealmTableTest, R_SEC_19_OwnAddressesAreThoseBoundAndThoseAdvertisedEachOnce) {
  const RealmTable table = MakeTable();
  std::vector<std::string> own;
  for (const common::OwnAddressRange& range : table.OwnAddresses()) {
    EXPECT_EQ(range.first_port, 40000);
    EXPECT_EQ(range.last_port, 40009);
    own.push_back(range.ip.ToString());
  }
  EXPECT_EQ(own, (std::vector<std::string>{"10.0.0.1", "192.0.2.1", "2001:db8::1", "10.0.1.1",
                                           "2001:db8::2"}));
}

}  // namespace
}  // namespace agw
