#include "agw-service/context/syn_drop_watch.h"

#include <algorithm>
#include <utility>

#include "absl/time/time.h"
#include "agw-service/context/connection_point.h"

namespace agw {

SynDropWatch::Gate::Gate(SynDropWatch& watch, std::function<void(uint64_t)> report)
    : watch_(watch), report_(std::move(report)) {}

SynDropWatch::Gate::~Gate() {
  if (point_ != nullptr) Look(*point_);
  Leave();
}

void SynDropWatch::Gate::Start(const ConnectionPoint& point) {
  if (point_ != nullptr) return;
  point_ = &point;
  place_ = watch_.gates_.insert(watch_.gates_.end(), this);
  if (watch_.next_ == watch_.gates_.end()) watch_.next_ = place_;
  if (!watch_.timer_.running()) {
    watch_.timer_.Start(absl::Seconds(1), [watch = &watch_] { watch->GoRound(); });
  }
}

void SynDropWatch::Gate::Stop(const ConnectionPoint& point) {
  Leave();
  Look(point);
  ReportUnreported();
}

void SynDropWatch::Gate::Leave() {
  if (point_ == nullptr) return;
  point_ = nullptr;
  if (watch_.next_ == place_) ++watch_.next_;
  watch_.gates_.erase(place_);
  if (report_place_.has_value()) watch_.to_report_.erase(*report_place_);
  report_place_.reset();
  if (watch_.gates_.empty()) watch_.timer_.Cancel();
}

void SynDropWatch::Gate::Look(const ConnectionPoint& point) {
  const uint64_t dropped = point.DroppedSynCount();
  if (dropped == seen_) return;
  watch_.count_(dropped - seen_);
  seen_ = dropped;
}

void SynDropWatch::Gate::ReportUnreported() {
  if (seen_ == reported_) return;
  const uint64_t count = seen_ - reported_;
  reported_ = seen_;
  report_(count);
}

void SynDropWatch::GoRound() {
  timer_.Start(absl::Seconds(1), [this] { GoRound(); });
  for (size_t looks = std::min(limits_.looks_per_second, gates_.size()); looks > 0; --looks) {
    if (next_ == gates_.end()) next_ = gates_.begin();
    Gate& gate = **next_++;
    gate.Look(*gate.point_);
    if (gate.seen_ == gate.reported_ || gate.report_place_.has_value()) continue;
    gate.report_place_ = to_report_.insert(to_report_.end(), &gate);
  }
  for (size_t reports = std::min(limits_.reports_per_second, to_report_.size()); reports > 0;
       --reports) {
    Gate& gate = *to_report_.front();
    to_report_.pop_front();
    gate.report_place_.reset();
    gate.ReportUnreported();
  }
}

}  // namespace agw
