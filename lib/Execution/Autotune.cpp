//===- Autotune.cpp - Schedules by measurement ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The model's choice, the fastest schedule so far and the next candidate run in
// turns, so that what else the machine does meets all; least times are
// compared.
//
//===----------------------------------------------------------------------===//

#include "attn/Execution/Autotune.h"

#include "attn/Reference/Tolerance.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <chrono>
#include <cmath>
#include <csignal>

using namespace mlir;
using namespace attn;
using namespace attn::execution;
namespace json = llvm::json;

namespace {

/// While it lives, SIGINT is noted; the second one ends the process as ever.
class Interrupts {
public:
  Interrupts() {
    seen = 0;
    struct sigaction action = {};
    action.sa_handler = [](int) { seen = 1; };
    action.sa_flags = SA_RESETHAND;
    sigaction(SIGINT, &action, &before);
  }
  ~Interrupts() { sigaction(SIGINT, &before, nullptr); }
  Interrupts(const Interrupts &) = delete;
  Interrupts &operator=(const Interrupts &) = delete;

  bool any() const { return seen; }

private:
  static volatile std::sig_atomic_t seen;
  struct sigaction before;
};
volatile std::sig_atomic_t Interrupts::seen = 0;

/// The function with one schedule, bound to the inputs.
struct Candidate {
  std::unique_ptr<Executable> executable;
  /// Which of all it is, for the times of tests.
  size_t index = 0;
};

class Tuner {
public:
  Tuner(func::FuncOp function, ArrayRef<Tensor> inputs,
        const TuneOptions &options, llvm::raw_fd_ostream &os)
      : function(function), inputs(inputs), options(options), os(os),
        showsBar(os.is_displayed()) {}

  FailureOr<TuneResult> run();

private:
  /// Compiles and runs once.
  FailureOr<Candidate> prepare(ScheduleAttr schedule);
  /// The same; diagnostics and wrong results go into `trial`.
  std::optional<Candidate> prepare(Trial &trial);
  /// Why the results are not those of the model's choice; empty if they are.
  std::string compare(ArrayRef<Tensor> results) const;
  LogicalResult learnModel(TuneResult &result);
  /// Least milliseconds of each, in turns; failure if a launch fails.
  FailureOr<SmallVector<double>> race(ArrayRef<Candidate *> candidates);
  FailureOr<double> time(Candidate &candidate);
  LogicalResult tryOne(Trial &trial, TuneResult &result);
  LogicalResult explainInterrupt(const TuneResult &result, size_t count);
  LogicalResult finish(TuneResult &result);
  void show(const TuneResult &result, const Trial &last, size_t count);
  LogicalResult error(const Twine &message) {
    return emitError(UnknownLoc::get(function.getContext())) << message;
  }

  func::FuncOp function;
  ArrayRef<Tensor> inputs;
  const TuneOptions &options;
  llvm::raw_fd_ostream &os;
  bool showsBar;
  Interrupts interrupts;
  size_t prepared = 0;
  Candidate model;
  /// The fastest one; none if that is the model's choice.
  std::optional<Candidate> best;
  SmallVector<Tensor> expected;
};

} // namespace

//===----------------------------------------------------------------------===//
// One candidate
//===----------------------------------------------------------------------===//

FailureOr<Candidate> Tuner::prepare(ScheduleAttr schedule) {
  BackendOptions backend = options.backend;
  backend.schedule = schedule;
  backend.explain = true;
  auto executable = createExecutable(function, backend);
  if (failed(executable) || failed((*executable)->bind(inputs)) ||
      failed((*executable)->launch()))
    return failure();
  return Candidate{std::move(*executable), prepared++};
}

std::optional<Candidate> Tuner::prepare(Trial &trial) {
  ScopedDiagnosticHandler handler(function.getContext(), [&](Diagnostic &d) {
    if (d.getSeverity() == DiagnosticSeverity::Error && trial.problem.empty())
      trial.problem = d.str();
    return success();
  });
  FailureOr<Candidate> candidate = prepare(trial.schedule);
  if (failed(candidate))
    return std::nullopt;
  FailureOr<SmallVector<Tensor>> results = candidate->executable->getOutputs();
  if (failed(results))
    return std::nullopt;
  trial.problem = compare(*results);
  if (!trial.problem.empty())
    return std::nullopt;
  return std::move(*candidate);
}

/// What sums in another order, and weights rounded to such a type, may differ
/// by.
static double getTolerance(ArrayRef<Tensor> tensors) {
  double tolerance = 1e-4;
  for (const Tensor &tensor : tensors) {
    if (tensor.elementType.isF16())
      tolerance = std::max(tolerance, std::ldexp(1.0, -8));
    if (tensor.elementType.isBF16())
      tolerance = std::max(tolerance, std::ldexp(1.0, -5));
  }
  return tolerance;
}

std::string Tuner::compare(ArrayRef<Tensor> results) const {
  double tolerance = getTolerance(inputs);
  for (auto [index, pair] :
       llvm::enumerate(llvm::zip_equal(results, expected))) {
    auto [got, want] = pair;
    reference::Comparison comparison =
        reference::compareClose(got, want, tolerance, tolerance);
    if (!comparison.passed)
      return llvm::formatv("output {0} is not that of the model's choice {1}",
                           index, comparison.message);
  }
  return "";
}

/// What the target chooses, and what that computes.
LogicalResult Tuner::learnModel(TuneResult &result) {
  FailureOr<Candidate> candidate = prepare(ScheduleAttr());
  if (failed(candidate))
    return failure();
  model = std::move(*candidate);
  result.model.schedule = model.executable->getSchedule();
  if (!result.model.schedule)
    return error("--autotune: backend '" + model.executable->getBackend() +
                 "' has no schedules to choose from");
  FailureOr<SmallVector<Tensor>> results = model.executable->getOutputs();
  if (failed(results))
    return failure();
  expected = std::move(*results);
  for (auto [index, tensor] : llvm::enumerate(expected))
    for (int64_t n = 0; tensor.isFloat() && n < tensor.getNumElements(); ++n)
      if (std::isnan(tensor.getFloat(n)))
        return error("--autotune: output " + Twine(index) +
                     " of the model's choice is not finite at element " +
                     Twine(n) + ": candidates cannot be compared with it");
  return success();
}

//===----------------------------------------------------------------------===//
// Time
//===----------------------------------------------------------------------===//

FailureOr<double> Tuner::time(Candidate &candidate) {
  if (!options.times.empty())
    return options.times[candidate.index % options.times.size()];
  auto begin = std::chrono::steady_clock::now();
  if (failed(candidate.executable->launch()))
    return failure();
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now() - begin)
      .count();
}

FailureOr<SmallVector<double>> Tuner::race(ArrayRef<Candidate *> candidates) {
  constexpr unsigned fewest = 3, most = 100;
  constexpr double enoughMs = 300, hopeless = 1.3;
  SmallVector<double> least(candidates.size(), INFINITY);
  double total = 0;
  for (unsigned turn = 0; turn < most && !interrupts.any(); ++turn) {
    for (auto [candidate, ms] : llvm::zip_equal(candidates, least)) {
      FailureOr<double> taken = time(*candidate);
      if (failed(taken))
        return failure();
      ms = std::min(ms, *taken);
      total += *taken;
    }
    bool isHopeless = least.back() > hopeless * *llvm::min_element(least);
    if (turn + 1 >= fewest && (total >= enoughMs || isHopeless))
      break;
  }
  return least;
}

//===----------------------------------------------------------------------===//
// All
//===----------------------------------------------------------------------===//

/// Less than this is noise.
static constexpr double kLeastGain = 1.02;

LogicalResult Tuner::tryOne(Trial &trial, TuneResult &result) {
  std::optional<Candidate> candidate = prepare(trial);
  if (!candidate)
    return success();
  SmallVector<Candidate *> runners{&model};
  if (best)
    runners.push_back(&*best);
  runners.push_back(&*candidate);
  auto times = race(runners);
  if (failed(times))
    return failure();
  trial.ms = times->back();
  trial.gain = times->front() / trial.ms;
  // The fastest so far is the one before it.
  if (times->end()[-2] < trial.ms * kLeastGain)
    return success();
  best = std::move(candidate);
  result.chosen = trial.schedule;
  result.gain = trial.gain;
  return success();
}

/// What was chosen against the model's choice, at last: of many candidates one
/// was lucky.
LogicalResult Tuner::finish(TuneResult &result) {
  SmallVector<Candidate *> runners{&model};
  if (best)
    runners.push_back(&*best);
  auto times = race(runners);
  if (failed(times))
    return failure();
  result.model.ms = times->front();
  result.ms = times->back();
  result.gain = times->front() / times->back();
  if (best && result.gain < kLeastGain) {
    result.chosen = {};
    result.ms = result.model.ms;
    result.gain = 1;
  }
  return success();
}

static std::string print(ScheduleAttr schedule) {
  std::string text;
  llvm::raw_string_ostream(text) << schedule;
  return text;
}

static std::string describe(const Trial &trial) {
  if (!trial.problem.empty())
    return print(trial.schedule) + ": " + trial.problem;
  return llvm::formatv("{0}: {1:f3} ms, {2:f2} times as fast as the model's "
                       "choice",
                       print(trial.schedule), trial.ms, trial.gain);
}

void Tuner::show(const TuneResult &result, const Trial &last, size_t count) {
  size_t done = result.trials.size();
  if (!showsBar) {
    os << llvm::formatv("autotune: {0} of {1}: {2}\n", done, count,
                        describe(last));
    return;
  }
  if (!last.problem.empty())
    os << "\r\x1b[Kautotune: " << describe(last) << "\n";
  constexpr size_t width = 30;
  size_t filled = done * width / count;
  os << "\rautotune: [" << std::string(filled, '#')
     << std::string(width - filled, '.')
     << llvm::formatv("] {0} of {1}, best {2:f2} x the model's choice", done,
                      count, result.gain);
  if (done == count)
    os << "\r\x1b[K";
}

LogicalResult Tuner::explainInterrupt(const TuneResult &result, size_t count) {
  if (showsBar)
    os << "\r\x1b[K";
  return error("--autotune: interrupted after " + Twine(result.trials.size()) +
               " of " + Twine(count) + " candidates; nothing was written");
}

FailureOr<TuneResult> Tuner::run() {
  TuneResult result;
  if (failed(learnModel(result)))
    return failure();
  SmallVector<ScheduleAttr> candidates = options.candidates;
  if (candidates.empty())
    candidates = model.executable->listSchedules();
  for (ScheduleAttr schedule : candidates) {
    Trial trial;
    trial.schedule = schedule;
    if (!interrupts.any() && failed(tryOne(trial, result)))
      return failure();
    // What it stopped has no time.
    if (interrupts.any())
      return explainInterrupt(result, candidates.size());
    result.trials.push_back(trial);
    show(result, trial, candidates.size());
  }
  if (failed(finish(result)))
    return failure();
  if (interrupts.any())
    return explainInterrupt(result, candidates.size());
  return result;
}

FailureOr<TuneResult> attn::execution::autotune(func::FuncOp function,
                                                ArrayRef<Tensor> inputs,
                                                const TuneOptions &options,
                                                llvm::raw_fd_ostream &os) {
  return Tuner(function, inputs, options, os).run();
}

//===----------------------------------------------------------------------===//
// Reports
//===----------------------------------------------------------------------===//

std::string TuneResult::summarize() const {
  std::string text;
  llvm::raw_string_ostream stream(text);
  size_t failures = llvm::count_if(
      trials, [](const Trial &trial) { return !trial.problem.empty(); });
  if (chosen)
    stream << llvm::formatv(
        "{0}, {1:f3} ms: {2:f2} times as fast as the model's choice {3}, "
        "{4:f3} ms",
        print(chosen), ms, gain, print(model.schedule), model.ms);
  else
    stream << llvm::formatv("the model's choice {0} stays: no candidate is "
                            "faster by more than {1:P0}",
                            print(model.schedule), kLeastGain - 1);
  stream << llvm::formatv("; {0} candidates, {1} of which cannot be used",
                          trials.size(), failures);
  return text;
}

json::Object TuneResult::toJSON() const {
  json::Array list;
  for (const Trial &trial : trials) {
    json::Object object{{"schedule", print(trial.schedule)}};
    if (trial.problem.empty()) {
      object["ms"] = trial.ms;
      object["gain"] = trial.gain;
    } else {
      object["problem"] = trial.problem;
    }
    list.push_back(std::move(object));
  }
  return json::Object{{"model", print(model.schedule)},
                      {"model_ms", model.ms},
                      {"schedule", print(getSchedule())},
                      {"ms", ms},
                      {"gain", gain},
                      {"candidates", std::move(list)}};
}
