// What an offer needs of an IMS-AGW, and the way back.

#ifndef ALG_SERVICE_SESSION_RESERVATION_H_
#define ALG_SERVICE_SESSION_RESERVATION_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "alg-service/gateway/media_gateway.h"
#include "alg-service/session/session_resources.h"
#include "alg-service/session/session_snapshot.h"
#include "alg-service/session/task.h"

namespace alg {

// One IMS-AGW being asked for everything a first offer needs: T1 and T2 of each anchored stream,
// all at once, each with the record. The IMS-AGW lets only one record into a context
// (ims.iq.v1.ControllerState), so what a context holds is always of the one run that its record
// names: nobody finds parts of two runs in it, and who releases the context as long as its record
// is that one releases nothing of others.
//
// An attempt ends in one of two ways: its session is sent on, or `CleanUp()` takes it back.
//
// Shared by the procedure, its calls and its timer. Thread-safe in the sense that everything below
// is about what has been answered, which does not change any more.
class ReservationAttempt {
 public:
  // Begins to ask. `session` has gateway, context id, record, offer and plan.
  static std::shared_ptr<ReservationAttempt> Begin(std::shared_ptr<SessionResources> resources,
                                                   SessionSnapshot session, CallScope scope);

  // Ends when everything has been answered, or after `timeout`; true if it was answered. To be
  // called once, by one coroutine.
  static Task<bool> AnsweredWithin(std::shared_ptr<ReservationAttempt> attempt,
                                   absl::Duration timeout);

  // Ends when everything has been answered, if only by the end of the calls' scope. For one
  // coroutine.
  Event& answered() { return answered_; }

  // The rest is for after that.

  // OK if all of it was reserved. Then `session()` is complete. Else the error of Iq; one in which
  // the IMS-AGW says something comes before one in which it was not heard.
  const absl::Status& status() const { return status_; }
  const SessionSnapshot& session() const { return session_; }

  // The context belongs to another run: of the same request, or of one that has used its id.
  bool is_taken() const { return is_taken_; }

  // Takes back what the attempt has reserved, or may have. Ends when the IMS-AGW has said so; looks
  // again and again while it does not answer, and once more after a call whose outcome is not
  // known, because the IMS-AGW may have received it and not yet read it. Begins when everything has
  // been answered.
  static DetachedTask CleanUp(std::shared_ptr<ReservationAttempt> undone);

  // Happens when `CleanUp()` has tried for the first time. For one coroutine.
  Event& looked() { return looked_; }

 private:
  // What a look at the context for something of ours has found.
  enum class Look { kNothing, kReleased, kUnknown };

  // A termination that was asked for, and what came back.
  struct Part;

  ReservationAttempt(std::shared_ptr<SessionResources> resources, SessionSnapshot session,
                     CallScope scope);

  static DetachedTask Ask(std::shared_ptr<ReservationAttempt> asking);
  void Conclude(const std::vector<Part>& access_parts, const std::vector<Part>& core_parts);
  const char* OutcomeName() const;
  Task<Look> ReleaseOurs(uint64_t known_revision);

  const std::shared_ptr<SessionResources> resources_;
  SessionSnapshot session_;
  const CallScope scope_;

  absl::Status status_;
  bool is_taken_ = false;
  bool is_uncertain_ = false;  // Of some part nobody knows whether it is reserved.

  Event answered_;
  Event answered_or_late_;
  Event looked_;
};

}  // namespace alg

#endif  // ALG_SERVICE_SESSION_RESERVATION_H_
