#include "models/mesh/node.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <deque>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <boost/container/small_vector.hpp>

#include "models/duration/time.hpp"

namespace chronotile::mesh {
namespace {

using duration::Pulses;

enum Plane : std::uint8_t { kWestEast, kSouthNorth };
constexpr int kPlanes = 2;
constexpr std::array<const char*, kPlanes> kPlaneNames{"west-east", "south-north"};

/// The ways onto the wires of a plane (numbers as in HopId) and off them.
enum Way : std::uint8_t { kNorth, kEast, kSouth, kWest, kColumns, kFromSouthNorth, kFromWestEast, kTap, kTurn };
constexpr std::array<std::string_view, kEdges> kGuardNames{"bgn", "bge", "bgs", "bgw"};

constexpr Plane plane_of_edge(int edge) { return edge == kEast || edge == kWest ? kWestEast : kSouthNorth; }
constexpr bool is_edge(Way way) { return way <= kWest; }

constexpr double kAttojoulesPerPicojoule = 1e6;

constexpr unsigned low(std::uint32_t level) { return level & 0xffU; }
constexpr unsigned high(std::uint32_t level) { return (level >> 8U) & 0xffU; }

GroupMask mask(unsigned bits) { return static_cast<GroupMask>(bits); }
int count(GroupMask groups) { return __builtin_popcount(groups); }

/// One transaction on one way off the wires. Addresses are stable: they identify the transaction.
struct Transaction {
  Pulses pulses;
  Way way{};
};

/// One transaction that came onto the wires of a plane.
struct Branch {
  const Pulses* incoming = nullptr;  ///< identifies the transaction; null: free
  GroupMask offered = 0;             ///< groups of the incoming transaction
  GroupMask present = 0;             ///< of these, on the wires
  GroupMask blocked = 0;             ///< of these, kept off because they were there already (route loop)
  Plane plane{};
  Way entry{};
  sc_core::sc_time begun;
  Pulses here;  ///< as seen on these wires
  boost::container::small_vector<Transaction*, 6> leaving;
};

struct Contention {
  Plane plane{};
  duration::SourceId first = 0;
  duration::SourceId second = 0;
  const duration::Emission* first_emission = nullptr;
  const duration::Emission* second_emission = nullptr;
  double first_lead_ns = 0;  ///< emissions may be recycled: address and lead identify one
  double second_lead_ns = 0;
  GroupMask groups = 0;

  [[nodiscard]] auto key() const { return std::make_tuple(plane, first, first_lead_ns, second, second_lead_ns); }
};

}  // namespace

struct Node::Impl final : controller::LevelListener {
  Impl(Node& module, const NodeConfig& node_config, Services& node_services, energy::Place energy_place)
      : self(module), config(node_config), services(node_services), place(energy_place) {
    for (std::size_t edge = 0; edge < kEdges; ++edge) {
      const auto way = static_cast<Way>(edge);
      accept(in[edge], way);
    }
    accept(columns, kColumns);
    for (std::size_t groups = 0; groups < hop_aJ.size(); ++groups) {
      hop_aJ[groups] = std::llround(kAttojoulesPerPicojoule * config.energy_per_wire_hop_pJ * kWiresPerGroup *
                                    static_cast<double>(groups));
    }
  }

  Node& self;
  NodeConfig config;
  Services& services;
  energy::Place place;
  std::array<std::int64_t, kWireGroups + 1> hop_aJ{};  ///< by count of wire groups
  controller::ControlLines* control = nullptr;         ///< null: straight wires
  const std::uint16_t* levels = nullptr;               ///< of `control`, where it offers them

  std::array<duration::TargetSocket, kEdges> in{duration::TargetSocket("in_north"), duration::TargetSocket("in_east"),
                                                duration::TargetSocket("in_south"), duration::TargetSocket("in_west")};
  std::array<duration::InitiatorSocket, kEdges> out{
      duration::InitiatorSocket("out_north"), duration::InitiatorSocket("out_east"),
      duration::InitiatorSocket("out_south"), duration::InitiatorSocket("out_west")};
  duration::TargetSocket columns{"columns"};
  std::array<duration::InitiatorSocket, kPlanes> rows{duration::InitiatorSocket("rows_west_east"),
                                                      duration::InitiatorSocket("rows_south_north")};

  std::deque<Branch> branches;  ///< a pool: elements never move
  std::size_t occupied = 0;     ///< branches in use
  std::deque<Transaction> transactions;
  std::vector<Transaction*> free_transactions;

  sc_core::sc_event moved_guards{"moved_guards"};
  sc_core::sc_event act{"act"};
  sc_core::sc_event judge{"judge"};
  bool judge_next = false;
  std::vector<Contention> reported;

  std::array<probe::Probe, kEdges> guard_probes;
  probe::Probe turn_probe;
  std::array<probe::Probe, kPlanes> busy_probes;
  std::array<probe::Probe, kPlanes> wire_probes;
  std::vector<std::pair<Plane, Pulses>> untraced;  ///< cut by a switch, final lengths not known yet

  void accept(duration::TargetSocket& socket, Way way) {
    const Plane plane = way == kColumns ? kSouthNorth : plane_of_edge(way);
    socket.on_begin([this, plane, way](Pulses& pulses) { enter(plane, way, pulses); });
    socket.on_end([this](Pulses& pulses) { leave(pulses); });
  }

  [[nodiscard]] std::uint32_t level(isa::Group group) const {
    return levels != nullptr ? levels[static_cast<std::size_t>(group)] : control->level(group);
  }
  [[nodiscard]] std::uint32_t guard(Way edge) const {
    return level(static_cast<isa::Group>(static_cast<int>(isa::Group::kBorderNorth) + edge));
  }
  [[nodiscard]] std::uint32_t turn() const { return level(isa::Group::kTurn); }

  /// Groups that may come onto the wires by `entry`.
  [[nodiscard]] GroupMask may_enter(Way entry) const {
    return control != nullptr && is_edge(entry) ? mask(high(guard(entry))) : kAllGroups;
  }
  /// Groups that may leave the wires of `plane` by `way`.
  [[nodiscard]] GroupMask may_leave(Plane plane, Way way) const {
    if (way == kTap) {
      return kAllGroups;
    }
    if (control == nullptr) {
      return is_edge(way) ? kAllGroups : GroupMask{0};
    }
    if (way == kTurn) {
      return mask(plane == kSouthNorth ? low(turn()) : high(turn()));
    }
    return mask(low(guard(way)));
  }

  static std::array<Way, 4> ways_off(Plane plane) {
    return plane == kWestEast ? std::array<Way, 4>{kTap, kEast, kWest, kTurn}
                              : std::array<Way, 4>{kTap, kNorth, kSouth, kTurn};
  }
  static bool came_by(const Branch& branch, Way way) {
    return branch.entry == way || (way == kTurn && (branch.entry == kFromSouthNorth || branch.entry == kFromWestEast));
  }
  static std::string name_of(Way way) {
    return std::string(way == kTurn ? std::string_view("turn") : kGuardNames[way]);
  }

  void report(ViolationKind kind, std::string detail) const {
    services.violations.report({duration::now_ns(), kind, self.name(),
                                control != nullptr ? control->controller_name() : std::string(),
                                control != nullptr ? control->pc() : 0U, std::move(detail)});
  }

  Branch& new_branch() {
    ++occupied;
    for (Branch& branch : branches) {
      if (branch.incoming == nullptr) {
        return branch;
      }
    }
    return branches.emplace_back();
  }

  void enter(Plane plane, Way entry, const Pulses& pulses) {
    Branch& branch = new_branch();
    branch.incoming = &pulses;
    branch.offered = pulses.groups;
    branch.present = 0;
    branch.blocked = 0;
    branch.plane = plane;
    branch.entry = entry;
    branch.begun = sc_core::sc_time_stamp();
    branch.here = pulses;
    branch.here.delay_ns += config.hop_delay_ns;
    branch.here.hops.push_back(static_cast<duration::HopId>(config.index * 8 + entry));
    update(branch);
  }

  void leave(const Pulses& pulses) {
    for (Branch& branch : branches) {
      if (branch.incoming == &pulses) {
        if (!pulses.emission->final) {
          update(branch);  // cut upstream: own switches that moved at this time have moved, whatever the order
        }
        branch.here.tail_cut_ns = pulses.tail_cut_ns;
        for (Transaction* transaction : branch.leaving) {
          finish(branch, *transaction, pulses.tail_cut_ns);
        }
        branch.leaving.clear();
        branch.incoming = nullptr;
        branch.present = 0;
        branch.here.emission.reset();
        --occupied;
        show_busy(branch.plane);
        if (!untraced.empty()) {
          flush_traces();
        }
        return;
      }
    }
    throw std::logic_error(fmt::format("{}: end_pulses of a transaction that was not begun", self.name()));
  }

  /// Brings a branch in line with the switches as they are now.
  void update(Branch& branch) {
    const bool fresh = branch.begun == sc_core::sc_time_stamp();
    const double since_lead =
        std::max(0.0, (duration::now_ns() - branch.here.emission->lead_ns) - branch.here.delay_ns);
    const double head_cut = fresh ? branch.here.head_cut_ns : std::max(branch.here.head_cut_ns, since_lead);

    const GroupMask before = branch.present;
    const GroupMask allowed = branch.offered & may_enter(branch.entry);
    GroupMask added = mask(allowed & ~before & ~branch.blocked);
    if (added != 0) {
      added = keep_out_of_loop(branch, added);
      branch.present |= added;
      services.energy.charge_aJ(place, energy::Account::kMesh, hop_aJ[static_cast<std::size_t>(count(added))]);
    }
    const GroupMask removed = mask(before & ~allowed);
    branch.present = mask(branch.present & ~removed);
    if ((added | removed) != 0) {
      if (!fresh) {
        moved(branch, name_of(branch.entry), added, removed);
      }
      show_busy(branch.plane);
    }

    for (const Way way : ways_off(branch.plane)) {
      if (came_by(branch, way)) {
        continue;
      }
      const GroupMask wanted = branch.present & may_leave(branch.plane, way);
      GroupMask have = 0;
      for (const Transaction* transaction : branch.leaving) {
        have |= transaction->way == way ? transaction->pulses.groups : GroupMask{0};
      }
      if (have == wanted) {
        continue;
      }
      const GroupMask stayed = before & branch.present;  // on the wires before and after: this switch moved
      if (!fresh && ((have ^ wanted) & stayed) != 0) {
        moved(branch, name_of(way), mask(wanted & ~have & stayed), mask(have & ~wanted & stayed));
      }
      reroute(branch, way, have, wanted, head_cut, since_lead);
    }
  }

  void reroute(Branch& branch, Way way, GroupMask have, GroupMask wanted, double head_cut, double since_lead) {
    GroupMask restart = 0;
    for (std::size_t i = 0; i < branch.leaving.size();) {
      Transaction& transaction = *branch.leaving[i];
      if (transaction.way != way || (transaction.pulses.groups & ~wanted) == 0) {
        ++i;
        continue;
      }
      restart |= transaction.pulses.groups & wanted;
      branch.leaving.erase(branch.leaving.begin() + static_cast<std::ptrdiff_t>(i));
      finish(branch, transaction, since_lead);
    }
    const auto opened = mask((wanted & ~have) | restart);
    if (opened != 0) {
      start(branch, way, opened, head_cut);
    }
  }

  void start(Branch& branch, Way way, GroupMask groups, double head_cut) {
    Transaction* transaction = nullptr;
    if (free_transactions.empty()) {
      transaction = &transactions.emplace_back();
    } else {
      transaction = free_transactions.back();
      free_transactions.pop_back();
    }
    transaction->way = way;
    transaction->pulses = branch.here;
    transaction->pulses.groups = groups;
    transaction->pulses.head_cut_ns = head_cut;
    branch.leaving.push_back(transaction);
    if (way == kTurn) {
      if (branch.plane == kSouthNorth) {
        enter(kWestEast, kFromSouthNorth, transaction->pulses);
      } else {
        enter(kSouthNorth, kFromWestEast, transaction->pulses);
      }
    } else {
      socket(branch, way).begin(transaction->pulses);
    }
  }

  void finish(const Branch& branch, Transaction& transaction, double tail_cut) {
    transaction.pulses.tail_cut_ns = std::min(transaction.pulses.tail_cut_ns, tail_cut);
    if (transaction.way == kTurn) {
      leave(transaction.pulses);
    } else {
      socket(branch, transaction.way).end(transaction.pulses);
      if (transaction.way == kTap && wire_probes[branch.plane].watched()) {
        trace(branch.plane, transaction.pulses);
      }
    }
    transaction.pulses.emission.reset();
    free_transactions.push_back(&transaction);
  }

  duration::InitiatorSocket& socket(const Branch& branch, Way way) {
    return way == kTap ? rows[branch.plane] : out[way];
  }

  /// Reports and blocks those of `added` groups that this emission drives on these wires already; returns the others.
  GroupMask keep_out_of_loop(Branch& branch, GroupMask added) {
    GroupMask loop = 0;
    bool shared = false;
    for (const Branch& other : branches) {
      if (other.incoming == nullptr || &other == &branch || other.plane != branch.plane) {
        continue;
      }
      if (other.here.emission == branch.here.emission) {
        loop |= other.present & added;
      } else {
        shared = shared || (other.present & added) != 0;
      }
    }
    if (shared) {
      judge_next = false;
      judge.notify(sc_core::SC_ZERO_TIME);
    }
    if (loop != 0) {
      branch.blocked |= loop;
      report(ViolationKind::kRouteLoop,
             fmt::format("wire groups 0x{:02x} of source {} come back to the {} wires that they drive already", loop,
                         branch.here.emission->source, kPlaneNames[branch.plane]));
    }
    return mask(added & ~loop);
  }

  void moved(const Branch& branch, const std::string& signal, GroupMask opened, GroupMask closed) const {
    std::string what;
    if (closed != 0) {
      what = fmt::format("closed wire groups 0x{:02x}", closed);
    }
    if (opened != 0) {
      what += fmt::format("{}opened wire groups 0x{:02x}", what.empty() ? "" : " and ", opened);
    }
    report(ViolationKind::kGuardMoved,
           fmt::format("{} {} {:.3f} ns after the leading edge of source {} on the {} wires", signal, what,
                       duration::now_ns() - branch.here.lead_ns(), branch.here.emission->source,
                       kPlaneNames[branch.plane]));
  }

  /// Switches that move while nothing is on the wires need no action: whoever begins at this time reads the new levels.
  void on_levels(isa::Circuit /*circuit*/) override {
    const bool shown = turn_probe.watched() || std::any_of(guard_probes.begin(), guard_probes.end(),
                                                           [](const probe::Probe& probe) { return probe.watched(); });
    if (shown || occupied > 0) {
      moved_guards.notify(sc_core::SC_ZERO_TIME);
    }
  }

  /// Delta 1 of a change of guards: the levels are there for whoever begins now; pulses in flight wait for delta 2.
  void on_control() {
    show_guards();
    act.notify(sc_core::SC_ZERO_TIME);
  }

  void on_act() {
    // by index: downstream calls may come back to this node and add branches
    for (std::size_t i = 0; i < branches.size(); ++i) {
      if (branches[i].incoming != nullptr) {
        update(branches[i]);
      }
    }
  }

  /// Two deltas after pulses came onto wires that another one drives: whatever ends at this time has ended.
  void on_judge() {
    if (!judge_next) {
      judge_next = true;
      judge.notify(sc_core::SC_ZERO_TIME);
      return;
    }
    judge_next = false;
    std::vector<Contention> found;
    for (std::size_t i = 0; i < branches.size(); ++i) {
      for (std::size_t j = i + 1; j < branches.size(); ++j) {
        const Branch* a = &branches[i];
        const Branch* b = &branches[j];
        if (a->incoming == nullptr || b->incoming == nullptr || a->plane != b->plane ||
            (a->present & b->present) == 0 || a->here.emission == b->here.emission) {
          continue;
        }
        const auto order = [](const Branch* branch) {
          return std::make_pair(branch->here.emission->source, branch->here.emission->lead_ns);
        };
        if (order(b) < order(a)) {
          std::swap(a, b);
        }
        found.push_back({a->plane, a->here.emission->source, b->here.emission->source, a->here.emission.get(),
                         b->here.emission.get(), a->here.emission->lead_ns, b->here.emission->lead_ns,
                         mask(a->present & b->present)});
      }
    }
    std::sort(found.begin(), found.end(), [](const Contention& a, const Contention& b) {
      return a.key() != b.key() ? a.key() < b.key() : a.groups < b.groups;
    });
    // branches of one pair of emissions are one contention
    std::vector<Contention> merged;
    for (const Contention& contention : found) {
      if (!merged.empty() && merged.back().key() == contention.key()) {
        merged.back().groups |= contention.groups;
      } else {
        merged.push_back(contention);
      }
    }
    for (const Contention& contention : merged) {
      const bool known = std::any_of(reported.begin(), reported.end(), [&](const Contention& old) {
        return old.key() == contention.key() && old.first_emission == contention.first_emission &&
               old.second_emission == contention.second_emission;
      });
      if (!known) {
        report(ViolationKind::kContention,
               fmt::format("sources {} and {} both drive wire groups 0x{:02x} of the {} wires", contention.first,
                           contention.second, contention.groups, kPlaneNames[contention.plane]));
      }
    }
    reported = std::move(merged);
  }

  void show_guards() {
    if (control == nullptr) {
      return;
    }
    for (std::size_t edge = 0; edge < kEdges; ++edge) {
      if (guard_probes[edge].watched()) {
        guard_probes[edge].bits(guard(static_cast<Way>(edge)));
      }
    }
    if (turn_probe.watched()) {
      turn_probe.bits(turn());
    }
  }

  void show_busy(Plane plane) {
    if (!busy_probes[plane].watched()) {
      return;
    }
    GroupMask busy = 0;
    for (const Branch& branch : branches) {
      if (branch.incoming != nullptr && branch.plane == plane) {
        busy |= branch.present;
      }
    }
    busy_probes[plane].bits(busy);
  }

  void trace(Plane plane, const Pulses& pulses) {
    untraced.emplace_back(plane, pulses);
    flush_traces();
  }

  void flush_traces() {
    std::vector<std::pair<Plane, Pulses>> later;
    for (auto& [on, waiting] : untraced) {
      if (waiting.emission->final) {
        show_wires(on, waiting);
      } else {
        later.emplace_back(on, std::move(waiting));
      }
    }
    untraced = std::move(later);
  }

  void show_wires(Plane plane, const Pulses& pulses) {
    std::array<double, kWires> durations{};
    for (int wire = 0; wire < kWires; ++wire) {
      if (((pulses.groups >> (wire / kWiresPerGroup)) & 1U) != 0) {
        const double end = std::min(pulses.emission->durations()(wire, 0), pulses.tail_cut_ns);
        durations[static_cast<std::size_t>(wire)] = std::max(0.0, end - pulses.head_cut_ns);
      }
    }
    wire_probes[plane].pulses(pulses.lead_ns() + pulses.head_cut_ns, durations.data(), 1, kWires);
  }
};

Node::Node(sc_core::sc_module_name name, const NodeConfig& config, Services& services, energy::Place energy_place)
    : sc_module(name), control("control"), impl_(std::make_unique<Impl>(*this, config, services, energy_place)) {}

Node::~Node() = default;

void Node::end_of_elaboration() {
  SC_HAS_PROCESS(Node);
  if (control.size() > 0 && !impl_->config.pass_through) {
    impl_->control = control[0];
    impl_->levels = impl_->control->levels();
    SC_METHOD(on_control);
    sensitive << (control->listen(isa::Circuit::kMesh, *impl_) ? impl_->moved_guards
                                                               : impl_->control->changed(isa::Circuit::kMesh));
    dont_initialize();
    SC_METHOD(on_act);
    sensitive << impl_->act;
    dont_initialize();
  }
  SC_METHOD(on_judge);
  sensitive << impl_->judge;
  dont_initialize();
}

void Node::on_control() { impl_->on_control(); }
void Node::on_act() { impl_->on_act(); }
void Node::on_judge() { impl_->on_judge(); }

duration::TargetSocket& Node::in(Edge edge) { return impl_->in[static_cast<std::size_t>(edge)]; }
duration::InitiatorSocket& Node::out(Edge edge) { return impl_->out[static_cast<std::size_t>(edge)]; }
duration::TargetSocket& Node::columns() { return impl_->columns; }
duration::InitiatorSocket& Node::rows_west_east() { return impl_->rows[kWestEast]; }
duration::InitiatorSocket& Node::rows_south_north() { return impl_->rows[kSouthNorth]; }

void Node::attach(probe::Observer& observer) {
  using probe::Detail;
  using probe::Kind;
  Impl& impl = *impl_;
  if (!impl.config.pass_through) {
    constexpr std::array<const char*, kEdges> kDocs{"northern borderguard: [7:0] groups that may leave, [15:8] enter",
                                                    "eastern borderguard: [7:0] groups that may leave, [15:8] enter",
                                                    "southern borderguard: [7:0] groups that may leave, [15:8] enter",
                                                    "western borderguard: [7:0] groups that may leave, [15:8] enter"};
    for (std::size_t edge = 0; edge < kEdges; ++edge) {
      impl.guard_probes[edge].declare(
          observer, {name(), std::string(kGuardNames[edge]), Kind::kBits, 16, Detail::kDefault, kDocs[edge]});
    }
    impl.turn_probe.declare(observer,
                            {name(), "turn", Kind::kBits, 16, Detail::kDefault,
                             "corner switch: [7:0] south-north wires drive the west-east wires, [15:8] the reverse"});
  }
  constexpr std::array<const char*, kPlanes> kShort{"we", "sn"};
  for (const Plane plane : {kWestEast, kSouthNorth}) {
    impl.busy_probes[plane].declare(observer, {name(), std::string("busy_") + kShort[plane], Kind::kBits, kWireGroups,
                                               Detail::kDefault, "wire groups on which a vector is passing"});
    impl.wire_probes[plane].declare(observer, {name(), std::string("wires_") + kShort[plane], Kind::kBits, kWires,
                                               Detail::kScoped, "the wires of the site"});
    impl.show_busy(plane);
  }
  impl.show_guards();
}

}  // namespace chronotile::mesh
