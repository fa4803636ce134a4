#include "tests/bench/load.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/check.h"

namespace bench {
namespace {

// What is sealed and sent at once.
constexpr size_t kTurnSize = 64 * 1024;

// In the event: which end, of which kind.
constexpr uint64_t kListenerTag = 0;
constexpr uint64_t PhoneTag(size_t index) { return 2 * index + 1; }
constexpr uint64_t CoreTag(size_t index) { return 2 * index + 2; }

absl::Status CoreBroke(int error) {
  return absl::UnavailableError(absl::StrCat("the core's connection broke: ", strerror(error)));
}

// From wherever it begins, a turn can be taken of it, or be compared with it.
std::string Repeated(absl::string_view payload) {
  std::string result;
  while (result.size() < payload.size() + kReadSize) absl::StrAppend(&result, payload);
  return result;
}

bool IsForLater(int error) { return error == EAGAIN || error == EINTR; }

}  // namespace

absl::StatusOr<std::unique_ptr<Load>> Load::Start(PhoneProfile* profile,
                                                  const common::IpAddress& phone_ip,
                                                  const common::TransportAddress& core,
                                                  Payload greeting) {
  absl::StatusOr<peers::Listener> listener = peers::Listener::Listen(core);
  if (!listener.ok()) return listener.status();
  peers::OwnedFd epoll(epoll_create1(EPOLL_CLOEXEC));
  CHECK(epoll.get() >= 0);
  return std::unique_ptr<Load>(
      new Load(profile, phone_ip, std::move(epoll), *std::move(listener), std::move(greeting)));
}

Load::Load(PhoneProfile* profile, const common::IpAddress& phone_ip, peers::OwnedFd epoll,
           peers::Listener listener, Payload greeting)
    : profile_(profile),
      phone_ip_(phone_ip),
      epoll_(std::move(epoll)),
      listener_(std::move(listener)),
      greeting_(std::move(greeting)),
      buffer_(kReadSize) {
  SetEvents(listener_.fd(), EPOLLIN, kListenerTag, /*is_new=*/true);
}

absl::Status Load::Connect(absl::Span<const common::TransportAddress> proxies, size_t at_once) {
  return Establish(Work::kConnect, proxies, at_once);
}

absl::Status Load::ConnectAndClose(absl::Span<const common::TransportAddress> proxies,
                                   size_t at_once) {
  return Establish(Work::kConnectAndClose, proxies, at_once);
}

absl::Status Load::Establish(Work work, absl::Span<const common::TransportAddress> proxies,
                             size_t at_once) {
  proxies_ = proxies;
  at_once_ = at_once;
  under_way_ = 0;
  work_ = work;
  finished_count_ = gone_core_count_ = 0;
  const size_t count = proxies.size();
  for (size_t i = 0; i < at_once; ++i) {
    if (const absl::Status started = StartNext(); !started.ok()) return started;
  }
  return Run(work, [&] {
    return finished_count_ == count && (work == Work::kConnect || gone_core_count_ == count);
  });
}

absl::Status Load::Close() {
  finished_count_ = gone_core_count_ = 0;
  const size_t count = phones_.size();
  for (const auto& end : phones_) {
    if (const absl::Status ended = EndPhone(*end); !ended.ok()) return ended;
  }
  return Run(Work::kClose, [&] { return finished_count_ == count && gone_core_count_ == count; });
}

absl::Status Load::SendUp(const Payloads& payloads, size_t session_count, uint64_t byte_count) {
  return Move(Work::kSend, Direction::kUp, payloads, session_count, byte_count);
}

absl::Status Load::SendDown(const Payloads& payloads, size_t session_count, uint64_t byte_count) {
  return Move(Work::kSend, Direction::kDown, payloads, session_count, byte_count);
}

absl::Status Load::PourUp(const Payloads& payloads, size_t session_count, uint64_t byte_count) {
  return Move(Work::kPour, Direction::kUp, payloads, session_count, byte_count);
}

absl::Status Load::PourDown(const Payloads& payloads, size_t session_count, uint64_t byte_count) {
  return Move(Work::kPour, Direction::kDown, payloads, session_count, byte_count);
}

absl::Status Load::Move(Work work, Direction direction, const Payloads& payloads,
                        size_t session_count, uint64_t byte_count) {
  CHECK(session_count <= phones_.size() && phones_.size() == cores_.size());
  direction_ = direction;
  byte_count_ = byte_count;
  finished_count_ = gone_core_count_ = 0;
  on_their_way_ = 0;
  on_their_way_limit_ = kOnTheirWay * static_cast<int64_t>(session_count);
  for (size_t i = phones_.size() - session_count; i < phones_.size(); ++i) {
    PhoneEnd& phone = *phones_[i];
    CoreEnd& core = *cores_[i];
    phone.byte_count = core.byte_count = 0;
    const bool up = direction == Direction::kUp;
    const std::string of_phone = (up ? payloads.sent : payloads.arriving)(phone.proxy);
    const std::string of_core =
        (up ? payloads.arriving : payloads.sent)(core.socket.remote_address());
    CHECK(of_phone.size() == of_core.size() && !of_phone.empty());
    payload_size_ = of_phone.size();
    phone.payload = Repeated(of_phone);
    core.payload = Repeated(of_core);
    if (direction == Direction::kUp) {
      SetEvents(phones_[i]->phone.fd(), EPOLLIN | EPOLLOUT, PhoneTag(i));
    } else {
      SetEvents(cores_[i]->socket.fd(), EPOLLIN | EPOLLOUT, CoreTag(i));
    }
  }
  return Run(work, [&] {
    return finished_count_ == session_count &&
           (work == Work::kSend || gone_core_count_ == session_count);
  });
}

absl::StatusOr<std::vector<absl::Duration>> Load::Ping(size_t size, size_t session_count,
                                                       size_t count) {
  CHECK(session_count <= phones_.size());
  ping_.assign(size, 'p');
  pings_left_ = count;
  ping_times_.clear();
  ping_times_.reserve(count);
  for (size_t i = phones_.size() - session_count; i < phones_.size() && pings_left_ > 0; ++i) {
    --pings_left_;
    if (const absl::Status sent = SendPing(*phones_[i]); !sent.ok()) return sent;
  }
  const absl::Status pinged = Run(Work::kPing, [&] { return ping_times_.size() == count; });
  if (!pinged.ok()) return pinged;
  return std::move(ping_times_);
}

absl::StatusOr<std::vector<absl::Duration>> Load::PingEvery(size_t size, absl::Duration interval,
                                                            absl::Duration time) {
  ping_.assign(size, 'p');
  pings_left_ = 0;
  ping_times_.clear();
  work_ = Work::kPing;
  const absl::Time start = absl::Now();
  std::vector<absl::Time> due;
  for (size_t i = 0; i < phones_.size(); ++i) {
    due.push_back(start + interval * i / phones_.size());
    phones_[i]->ping_under_way = false;
  }
  const auto all_back = [this] {
    return std::none_of(phones_.begin(), phones_.end(),
                        [](const auto& end) { return end->ping_under_way; });
  };
  while (absl::Now() < start + time || !all_back()) {
    absl::Time next = start + time;
    for (size_t i = 0; i < phones_.size() && absl::Now() < start + time; ++i) {
      PhoneEnd& end = *phones_[i];
      if (end.ping_under_way) continue;
      if (due[i] <= absl::Now()) {
        if (const absl::Status sent = SendPing(end); !sent.ok()) return sent;
        end.ping_start = std::exchange(due[i], due[i] + interval);
      } else {
        next = std::min(next, due[i]);
      }
    }
    const absl::Duration wait =
        std::clamp(next - absl::Now(), absl::Milliseconds(1), absl::Milliseconds(10));
    if (const absl::StatusOr<bool> step = Step(wait); !step.ok()) return step.status();
    if (absl::Now() > start + time + peers::kPatience) {
      return absl::DeadlineExceededError("a message does not come back");
    }
  }
  return std::move(ping_times_);
}

size_t Load::StepOfSlowReaders() {
  static const std::string* const turn = new std::string(kTurnSize, 's');
  size_t taken = 0;
  for (const auto& core : cores_) {
    long count;
    do {
      count = core->socket.Write(*turn);
      taken += static_cast<size_t>(std::max(0L, count));
    } while (count == static_cast<long>(kTurnSize));
  }
  if (phones_.empty()) return taken;
  next_slow_reader_ = (next_slow_reader_ + 1) % phones_.size();
  phones_[next_slow_reader_]->phone.Count().IgnoreError();
  return taken;
}

absl::Status Load::Run(Work work, const std::function<bool()>& is_done) {
  work_ = work;
  while (!is_done()) {
    const absl::StatusOr<bool> step = Step(peers::kPatience);
    if (!step.ok()) return step.status();
    if (!*step) {
      return absl::DeadlineExceededError(absl::StrCat(
          "nothing happens; ", phones_.size(), " phones, ", cores_.size(), " core peers, of which ",
          gone_core_count_, " are gone; ", finished_count_, " sessions finished this work"));
    }
  }
  ForgetGone();
  return absl::OkStatus();
}

absl::StatusOr<bool> Load::Step(absl::Duration timeout) {
  std::array<epoll_event, 64> events;
  const int count = epoll_wait(epoll_.get(), events.data(), events.size(),
                               static_cast<int>(absl::ToInt64Milliseconds(timeout)));
  if (count < 0 && errno == EINTR) return true;
  for (int i = 0; i < count; ++i) {
    const uint64_t tag = events[i].data.u64;
    const absl::Status status = tag == kListenerTag ? Accept()
                                : tag % 2 == 1      ? OnPhone(tag / 2, events[i].events)
                                                    : OnCore(tag / 2 - 1, events[i].events);
    if (!status.ok()) return status;
  }
  return count > 0;
}

absl::Status Load::StartNext() {
  if (proxies_.empty()) return absl::OkStatus();
  absl::StatusOr<peers::Socket> socket =
      peers::Socket::StartConnect({.ip = phone_ip_, .port = 0}, proxies_.front());
  if (!socket.ok()) return socket.status();
  phones_.push_back(
      std::make_unique<PhoneEnd>(PhoneEnd{Phone(profile_, *std::move(socket)), proxies_.front()}));
  proxies_.remove_prefix(1);
  SetEvents(phones_.back()->phone.fd(), EPOLLOUT, PhoneTag(phones_.size() - 1), /*is_new=*/true);
  return absl::OkStatus();
}

absl::Status Load::Accept() {
  absl::StatusOr<peers::Socket> socket = listener_.Accept(absl::ZeroDuration());
  if (!socket.ok()) return socket.status();
  const std::string greeting = greeting_(socket->remote_address());
  if (socket->Write(greeting) != static_cast<long>(greeting.size())) return CoreBroke(errno);
  cores_.push_back(std::make_unique<CoreEnd>(CoreEnd{*std::move(socket)}));
  SetEvents(cores_.back()->socket.fd(), EPOLLIN, CoreTag(cores_.size() - 1), /*is_new=*/true);
  return absl::OkStatus();
}

absl::Status Load::OnPhone(size_t index, uint32_t events) {
  PhoneEnd& end = *phones_[index];
  if (end.step == Step::kGone) return absl::OkStatus();
  if (end.step == Step::kHandshake) return GoOnWithHandshake(index);
  if ((events & EPOLLOUT) != 0) {
    if (const absl::Status sent = SendFromPhone(index); !sent.ok()) return sent;
  }
  if ((events & ~EPOLLOUT) == 0) return absl::OkStatus();
  return ReadPhone(index);
}

absl::Status Load::GoOnWithHandshake(size_t index) {
  PhoneEnd& end = *phones_[index];
  if (end.phone.has_unsent()) {
    if (const absl::Status sent = end.phone.Flush(); !sent.ok()) return sent;
  }
  const absl::StatusOr<bool> done = end.phone.Handshake();
  if (!done.ok()) return done.status();
  SetEvents(end.phone.fd(), end.phone.has_unsent() ? EPOLLIN | EPOLLOUT : EPOLLIN, PhoneTag(index));
  if (!*done) return absl::OkStatus();
  end.step = Step::kGreeting;
  return ReadPhone(index);  // The greeting may have come with the end of the handshake.
}

absl::Status Load::SendFromPhone(size_t index) {
  PhoneEnd& end = *phones_[index];
  if (end.phone.has_unsent()) {
    if (const absl::Status sent = end.phone.Flush(); !sent.ok()) return sent;
    if (end.phone.has_unsent()) return absl::OkStatus();
  }
  const bool is_source = (work_ == Work::kSend || work_ == Work::kPour) &&
                         direction_ == Direction::kUp && end.step == Step::kReady;
  if (is_source && end.byte_count < byte_count_) {
    if (work_ == Work::kPour && on_their_way_ >= on_their_way_limit_) {
      waiting_.push_back(index);
      SetEvents(end.phone.fd(), EPOLLIN, PhoneTag(index));
      return absl::OkStatus();
    }
    const absl::string_view next = Next(end.payload, end.byte_count);
    end.byte_count += next.size();
    on_their_way_ += static_cast<int64_t>(next.size());
    return end.phone.Write(next);
  }
  SetEvents(end.phone.fd(), EPOLLIN, PhoneTag(index));
  return is_source && work_ == Work::kPour ? EndPhone(end) : absl::OkStatus();
}

absl::Status Load::ReadPhone(size_t index) {
  PhoneEnd& end = *phones_[index];
  const bool looks = work_ != Work::kPour || direction_ == Direction::kUp;
  const absl::StatusOr<Phone::ReadResult> result =
      looks ? end.phone.Read(absl::MakeSpan(buffer_)) : end.phone.Count();
  if (!result.ok()) return result.status();
  if (end.step == Step::kGreeting && result->byte_count > 0) {
    end.byte_count += result->byte_count;
    if (end.byte_count < greeting_(end.proxy).size()) return absl::OkStatus();
    end.step = Step::kReady;
    if (work_ == Work::kConnectAndClose) return EndPhone(end);
    ++finished_count_;
    return StartNext();
  }
  if (work_ == Work::kPing && result->byte_count > 0) return TakePong(end, result->byte_count);
  if (work_ == Work::kSend && result->byte_count > 0) {
    const absl::Status same =
        Compare({buffer_.data(), result->byte_count}, end.payload, end.byte_count);
    if (!same.ok()) return same;
    end.byte_count += result->byte_count;
    if (end.byte_count == byte_count_) ++finished_count_;
  }
  if (!looks && end.step == Step::kReady) {
    end.byte_count += result->byte_count;
    Arrived(result->byte_count);
    if (end.byte_count >= byte_count_) return EndPhone(end);
  }
  if (!result->ended) return absl::OkStatus();
  if (end.step != Step::kClosing) return absl::UnavailableError("the proxy ended a session");
  end.step = Step::kGone;
  SetEvents(end.phone.fd(), 0, PhoneTag(index));
  ++finished_count_;
  return work_ == Work::kConnectAndClose ? StartNext() : absl::OkStatus();
}

absl::Status Load::EndPhone(PhoneEnd& end) {
  end.step = Step::kClosing;
  return end.phone.CloseWrite();
}

absl::Status Load::SendPing(PhoneEnd& end) {
  end.byte_count = 0;
  end.ping_under_way = true;
  end.ping_start = absl::Now();
  return end.phone.Write(ping_);
}

absl::Status Load::TakePong(PhoneEnd& end, size_t byte_count) {
  end.byte_count += byte_count;
  if (end.byte_count < ping_.size()) return absl::OkStatus();
  ping_times_.push_back(absl::Now() - end.ping_start);
  end.ping_under_way = false;
  if (pings_left_ == 0) return absl::OkStatus();
  --pings_left_;
  return SendPing(end);
}

absl::Status Load::OnCore(size_t index, uint32_t events) {
  if (cores_[index]->gone) return absl::OkStatus();
  if ((events & EPOLLOUT) != 0) {
    if (const absl::Status sent = SendFromCore(index); !sent.ok()) return sent;
  }
  return (events & ~EPOLLOUT) != 0 ? ReadCore(index) : absl::OkStatus();
}

absl::Status Load::SendFromCore(size_t index) {
  CoreEnd& end = *cores_[index];
  if (end.byte_count < byte_count_) {
    if (work_ == Work::kPour && on_their_way_ >= on_their_way_limit_) {
      waiting_.push_back(index);
      SetEvents(end.socket.fd(), EPOLLIN, CoreTag(index));
      return absl::OkStatus();
    }
    const long count = end.socket.Write(Next(end.payload, end.byte_count));
    if (count < 0) return CoreBroke(errno);
    end.byte_count += static_cast<uint64_t>(count);
    on_their_way_ += count;
    return absl::OkStatus();
  }
  SetEvents(end.socket.fd(), EPOLLIN, CoreTag(index));
  return absl::OkStatus();
}

absl::Status Load::ReadCore(size_t index) {
  CoreEnd& end = *cores_[index];
  const bool looks = work_ != Work::kPour;
  // Of TCP the kernel drops what is not to be copied.
  const ssize_t count = looks ? recv(end.socket.fd(), buffer_.data(), buffer_.size(), 0)
                              : recv(end.socket.fd(), nullptr, 1 << 24, MSG_TRUNC);
  if (count < 0) return IsForLater(errno) ? absl::OkStatus() : CoreBroke(errno);
  if (count == 0) {
    end.gone = true;
    end.socket.Close();
    ++gone_core_count_;
    return absl::OkStatus();
  }
  const absl::string_view bytes(buffer_.data(), static_cast<size_t>(count));
  if (work_ == Work::kPing) {
    return end.socket.Write(bytes) == count ? absl::OkStatus() : CoreBroke(errno);
  }
  if (work_ == Work::kPour) Arrived(bytes.size());
  if (work_ == Work::kSend) {
    if (const absl::Status same = Compare(bytes, end.payload, end.byte_count); !same.ok())
      return same;
    end.byte_count += bytes.size();
    if (end.byte_count == byte_count_) ++finished_count_;
  }
  return absl::OkStatus();
}

void Load::Arrived(size_t byte_count) {
  on_their_way_ -= static_cast<int64_t>(byte_count);
  while (!waiting_.empty() && on_their_way_ < on_their_way_limit_) {
    const size_t index = waiting_.front();
    waiting_.pop_front();
    if (direction_ == Direction::kUp) {
      SetEvents(phones_[index]->phone.fd(), EPOLLIN | EPOLLOUT, PhoneTag(index));
    } else {
      SetEvents(cores_[index]->socket.fd(), EPOLLIN | EPOLLOUT, CoreTag(index));
    }
  }
}

absl::string_view Load::Next(absl::string_view payload, uint64_t sent) const {
  const size_t size = std::min<uint64_t>(kTurnSize, byte_count_ - sent);
  return payload.substr(sent % payload_size_, size);
}

absl::Status Load::Compare(absl::string_view bytes, absl::string_view payload,
                           uint64_t before) const {
  // What has no TLS is no proxy and changes them.
  const bool same =
      profile_ == nullptr || payload.substr(before % payload_size_, bytes.size()) == bytes;
  return same ? absl::OkStatus() : absl::DataLossError("other bytes than were sent");
}

void Load::SetEvents(int fd, uint32_t events, uint64_t tag, bool is_new) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag;
  CHECK(epoll_ctl(epoll_.get(), is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) == 0);
}

void Load::ForgetGone() {
  const auto phone_is_gone = [](const auto& end) { return end->step == Step::kGone; };
  const auto core_is_gone = [](const auto& end) { return end->gone; };
  const size_t before = phones_.size() + cores_.size();
  phones_.erase(std::remove_if(phones_.begin(), phones_.end(), phone_is_gone), phones_.end());
  cores_.erase(std::remove_if(cores_.begin(), cores_.end(), core_is_gone), cores_.end());
  if (phones_.size() + cores_.size() == before) return;
  for (size_t i = 0; i < phones_.size(); ++i) {
    SetEvents(phones_[i]->phone.fd(), EPOLLIN, PhoneTag(i));
  }
  for (size_t i = 0; i < cores_.size(); ++i) SetEvents(cores_[i]->socket.fd(), EPOLLIN, CoreTag(i));
}

}  // namespace bench
