/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * Door B: while the kernel copies a deadline from a process under a rule, the
 * deadline is translated into the host's time.
 *
 * Two programs enclose the copy (TNB_COPIES). deadline_in translates the bytes
 * in the caller's memory. deadline_out puts them back and compares what the
 * kernel got with what it should have got. A deadline that could not be
 * translated is counted.
 *
 * Between the two programs a thread has a record. It is made before memory is
 * changed and removed after memory is put back. A record that outlives its call
 * shows that deadline_out was skipped. Then the thread's next deadline finishes
 * it, or the scheduler's program does (deadline_restore.bpf.c).
 */
#ifndef TIMENSBPF_BPF_WAIT_DEADLINE_BPF_H
#define TIMENSBPF_BPF_WAIT_DEADLINE_BPF_H

#include "lib/call_end.bpf.h"
#include "lib/lookup.bpf.h"
#include "stuck.bpf.h"
#include "wait_decode.bpf.h"

#include <abi/latch.h>

/* Threads that can be between the two programs at once. */
#define RECORDS_MAX 16384

enum record_state {
	RECORD_NONE,	   /* nothing to translate */
	RECORD_JOINED,	   /* counted in a window */
	RECORD_LEFT,	   /* the scheduler's program has left the window */
	RECORD_UNTOUCHED,  /* memory is not as it should be for the copy */
	RECORD_UNREADABLE, /* the same, and what memory holds is not known */
	/* Added to these two by window_enter(): memory could not be read or
	 * written. */
	RECORD_BARRED = 16,
};

struct deadline_record {
	struct window_key key;
	__u64 kernel; /* where the kernel copies to, 0: not known */
	__s64 sec;    /* what the kernel should get */
	__s64 nsec;
	__u8 copy;    /* enum tnb_copy */
	__u8 state;   /* enum record_state */
	__u8 family;  /* enum tnb_clock_id */
	__u8 rules;   /* DEADLINE_* */
	__u32 number; /* of the system call */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RECORDS_MAX);
	__type(key, __u32); /* thread id */
	__type(value, struct deadline_record);
} deadline_records __weak SEC(".maps");

/* bytes_translate(), checked once by the verifier. */
TNB_ONCE int deadline_translate(const struct deadline_clock *by,
				const struct time_bytes *from, __u32 layout,
				struct tnb_time *time, struct time_bytes *to)
{
	return by && from && time && to &&
	       bytes_translate(by, from, (enum layout)layout, time, to);
}

/* ---- Leaving a window ---------------------------------------------------- */

/* By the last user of the window, under the lock. */
static __always_inline void window_close(struct window *window,
					 struct stuck_left *left)
{
	bool failed;

	/* The memory of a thread that is dead or has become another program is
	 * out of reach. */
	if (current_mm() != window->key.mm) {
		count(TNB_COUNT_DEADLINE_CHANGED);
	} else {
		failed = put_back(window->key.address, &window->original,
				  &window->translated,
				  window->size) == PUT_FAILED;
		if (failed)
			*left = (struct stuck_left){
				.key = { .key = window->key,
					 .translated = window->translated },
				.size = window->size,
			};
		if (failed || is_forking(window->key.mm))
			stuck_put(&window->key, &window->original,
				  &window->translated, window->size, failed);
	}
	window->key = (struct window_key){ 0 };
}

/* False: the lock was not available, and nothing has changed. */
static __always_inline bool window_leave(struct window_key *key,
					 struct stuck_left *left)
{
	struct window_group *group = group_lock(key);
	struct window *window;

	if (!group)
		return false;
	window = window_find(group, key);
	if (window && --window->users == 0)
		window_close(window, left);
	group_unlock(group);
	return true;
}

static __always_inline void record_delete(void)
{
	__u32 thread = (__u32)bpf_get_current_pid_tgid();

	if (!bpf_map_delete_elem(&deadline_records, &thread))
		in_flight_add(-1);
}

/*
 * Leave the window of the record and remove the record. If what the kernel got
 * was not compared, a deadline that may not have been translated counts as
 * lost. False: the window cannot be left now, and the record stays for another
 * try.
 */
static __always_inline bool record_finish(struct deadline_record *record,
					  bool compared,
					  struct stuck_left *left)
{
	struct window_key key = record->key;

	if (record->state == RECORD_JOINED && !window_leave(&key, left))
		return false;
	if (!compared && record->state >= RECORD_UNTOUCHED)
		count(TNB_COUNT_DEADLINE_LOST);
	record_delete();
	return true;
}

/* ---- Entering a window --------------------------------------------------- */

/* If memory is stuck with a translation, set `bytes` to the original. */
static __always_inline bool stuck_find(const struct window_key *key,
				       struct time_bytes *bytes)
{
	struct stuck_key stuck_key = { .key = *key, .translated = *bytes };
	struct stuck_window *stuck;

	stuck = bpf_map_lookup_elem(&stuck_windows, &stuck_key);
	if (!stuck)
		return false;
	*bytes = stuck->original;
	return true;
}

static __always_inline void stuck_forget(const struct window_key *key,
					 const struct time_bytes *translated)
{
	struct stuck_key stuck = { .key = *key, .translated = *translated };

	if (!is_forking(key->mm))
		stuck_remove(&stuck);
}

/*
 * Write `to` to memory, which holds `was` and stands for `original`. If only
 * half of it can be written, `was` is written back. If that fails, too, memory
 * is stuck.
 */
static __always_inline bool window_write(const struct window_key *key,
					 __u32 size,
					 const struct time_bytes *original,
					 const struct time_bytes *was,
					 const struct time_bytes *to)
{
	struct time_bytes now;

	if (!bytes_write(to, key->address, size))
		return true;
	if (bytes_write(was, key->address, size) &&
	    !bytes_read(&now, key->address, size) && !bytes_equal(&now, was)) {
		count(TNB_COUNT_DEADLINE_STUCK);
		stuck_put(key, original, &now, size, true);
	}
	return false;
}

static __always_inline void expect(struct deadline_record *record,
				   const struct tnb_time *time)
{
	record->sec = time->sec;
	record->nsec = time->nsec;
}

/* Under the lock, if there is no window yet. The window is filled in its place
 * and is valid as soon as it has a key. Returns enum record_state. */
static __always_inline int window_open(struct window_group *group,
				       const struct deadline_clock *by,
				       enum layout layout,
				       struct deadline_record *record)
{
	struct window *made = window_free(group, &record->key);
	struct time_bytes now;
	struct tnb_time time = { 0 };
	bool stuck, change;

	if (!made)
		return RECORD_UNREADABLE;
	made->size = layout_size(layout);
	if (bytes_read(&now, record->key.address, made->size))
		return RECORD_UNREADABLE | RECORD_BARRED;
	made->original = now;
	stuck = stuck_find(&record->key, &made->original);
	change = deadline_translate(by, &made->original, layout, &time,
				    &made->translated);
	expect(record, &time);
	if (!change)
		return stuck ? RECORD_UNTOUCHED : RECORD_NONE;
	if (!bytes_equal(&now, &made->translated) &&
	    !window_write(&record->key, made->size, &made->original, &now,
			  &made->translated))
		return RECORD_UNTOUCHED | RECORD_BARRED;
	if (stuck)
		stuck_forget(&record->key, &now);
	made->users = 1;
	made->key = record->key;
	return RECORD_JOINED;
}

/* Memory is not what the window says: deadline_out was skipped for a user, and
 * the process has stored a new time since. The window becomes that of the new
 * time. */
static __always_inline bool window_renew(struct window *window,
					 const struct time_bytes *now,
					 const struct time_bytes *wanted)
{
	if (!window_write(&window->key, window->size, now, now, wanted))
		return false;
	window->original = *now;
	window->translated = *wanted;
	return true;
}

/*
 * Under the lock, while other threads have memory translated. A thread that
 * wants the same translation joins them. One that wants another (another clock,
 * another rule) cannot have it: deadline_out tells whether its deadline was
 * lost. Returns enum record_state.
 */
static __always_inline int window_join(struct window *window,
				       const struct deadline_clock *by,
				       enum layout layout,
				       struct deadline_record *record)
{
	struct time_bytes now, original, wanted = { 0 };
	struct tnb_time time = { 0 };
	bool change, ours;

	if (window->size != layout_size(layout))
		return RECORD_UNREADABLE;
	if (bytes_read(&now, record->key.address, window->size))
		return RECORD_UNREADABLE | RECORD_BARRED;
	ours = bytes_equal(&now, &window->translated);
	original = ours ? window->original : now;
	change = deadline_translate(by, &original, layout, &time, &wanted);
	expect(record, &time);
	if (!change)
		return RECORD_UNTOUCHED;
	if (ours && !bytes_equal(&wanted, &window->translated))
		return RECORD_UNTOUCHED;
	if (!ours && !window_renew(window, &now, &wanted))
		return RECORD_UNTOUCHED | RECORD_BARRED;
	window->users++;
	return RECORD_JOINED;
}

/* enum record_state, and RECORD_BARRED. */
TNB_ONCE int window_enter(const struct deadline_clock *by, __u32 layout,
			  struct deadline_record *record)
{
	struct window_group *group;
	struct window_key key;
	struct window *window;
	int state;

	if (!by || !record)
		return RECORD_UNREADABLE;
	key = record->key;
	group = group_lock(&key);
	if (!group)
		return RECORD_UNREADABLE;
	window = window_find(group, &key);
	state = window ? window_join(window, by, (enum layout)layout, record)
		       : window_open(group, by, (enum layout)layout, record);
	group_unlock(group);
	return state;
}

/* The same, also where the loader has to make memory writable first. For that
 * the thread is held, so the lock is not. */
TNB_ONCE int window_enter_held(const struct deadline_clock *by, __u32 layout,
			       struct deadline_record *record)
{
	int state = RECORD_UNREADABLE;

	if (!by || !record)
		return state;
	state = window_enter(by, layout, record);
#pragma clang loop unroll(full)
	for (int i = 0; i < MENDS_MAX; i++) {
		if (!(state & RECORD_BARRED))
			return state;
		if (!memory_mend(record->key.address,
				 layout_size((enum layout)layout)))
			return state & ~RECORD_BARRED;
		state = window_enter(by, layout, record);
	}
	return state & ~RECORD_BARRED;
}

/* ---- In ------------------------------------------------------------------ */

/*
 * get_itimerspec64 may call get_timespec64. Both are then in the same system
 * call and copy to the same place. A record that an earlier call left behind is
 * not mistaken for the outer one: its number differs, or it was finished when
 * the outer one was entered.
 */
static __always_inline bool is_inner(const struct deadline_record *record,
				     const struct deadline_record *now)
{
	return record->copy != now->copy && record->number == now->number &&
	       record->kernel == now->kernel && record->key.mm == now->key.mm &&
	       record->key.address == now->key.address;
}

/* False: another program is translating this deadline, or it is lost. The
 * record of an earlier deadline, for which deadline_out was skipped, is
 * finished. A function of its own, so that this is not on the caller's stack.
 */
TNB_ONCE int record_is_free(const struct deadline_record *now)
{
	__u32 thread = (__u32)bpf_get_current_pid_tgid();
	struct deadline_record *record;
	struct stuck_left left = { 0 };

	if (!now || !something_in_flight())
		return true;
	record = bpf_map_lookup_elem(&deadline_records, &thread);
	if (!record)
		return true;
	if (is_inner(record, now))
		return false;
	if (!record_finish(record, false, &left)) {
		count(TNB_COUNT_DEADLINE_LOST);
		return false;
	}
	/* The scheduler's program tries again. */
	if (left.size)
		count(TNB_COUNT_DEADLINE_STUCK);
	return true;
}

/* Before memory is changed, so that a record always exists to put it back. */
static __always_inline bool record_begin(const struct deadline_record *record)
{
	__u32 thread = (__u32)bpf_get_current_pid_tgid();

	in_flight_add(1);
	if (!bpf_map_update_elem(&deadline_records, &thread, record,
				 BPF_NOEXIST))
		return true;
	in_flight_add(-1);
	count(TNB_COUNT_DEADLINE_LOST);
	return false;
}

static __always_inline void record_store(const struct deadline_record *record)
{
	__u32 thread = (__u32)bpf_get_current_pid_tgid();
	struct deadline_record *stored =
		bpf_map_lookup_elem(&deadline_records, &thread);

	if (stored)
		*stored = *record;
}

/* False: the clock cannot be read now, or differs by more than an offset. */
TNB_ONCE int deadline_offset(__u32 family, struct tnb_time *offset)
{
	const struct tnb_clock_page *page = current_page();
	struct tnb_clock clock = { 0 };

	if (!page || !offset || family >= TNB_CLOCKS ||
	    tnb_page_clock(page, (enum tnb_clock_id)family, &clock) ||
	    clock.flags & TNB_CLOCK_RATE)
		return false;
	*offset = tnb_clock_offset(&clock);
	return true;
}

TNB_ONCE int deadline_arm(const struct wait *wait, __u32 copy, __u64 kernel)
{
	struct deadline_record record = { .kernel = kernel,
					  .copy = copy,
					  .state = RECORD_UNREADABLE };
	struct deadline_clock by = { 0 };

	if (!wait)
		return 0;
	record.key.mm = current_mm();
	record.key.address = wait->address;
	record.family = wait->family;
	record.rules = wait->rules;
	record.number = syscall_number(current_user_regs());
	if (!record_is_free(&record))
		return 0;
	if (!deadline_offset(record.family, &by.offset)) {
		count(TNB_COUNT_DEADLINE_LOST);
		return 0;
	}
	by.rules = record.rules;
	by.interval = wait_interval(wait);
	if (!record_begin(&record))
		return 0;
	record.state = window_enter_held(&by, wait->layout, &record);
	if (record.state == RECORD_NONE)
		record_delete();
	else
		record_store(&record);
	return 0;
}

/* A deadline on a clock that could not be found out is not translated, but
 * counted. */
static __always_inline bool is_wait(enum decoded decoded)
{
	if (decoded == WAIT_UNKNOWN)
		count(TNB_COUNT_DEADLINE_LOST);
	return decoded == WAIT_FOUND;
}

/* The kernel copies from `user` to `kernel`. */
static __always_inline void deadline_in(enum tnb_copy copy, __u64 kernel,
					__u64 user)
{
	bool is_timer = copy == TNB_COPY_itimerspec64 ||
			copy == TNB_COPY_itimerspec32;
	bool old = copy == TNB_COPY_timespec32 || copy == TNB_COPY_itimerspec32;
	struct wait wait = { 0 };

	if (!current_page())
		return;
	if (!is_wait(wait_decode(user, old, is_timer, &wait)))
		return;
	/* struct itimerspec64: the interval comes first. */
	deadline_arm(&wait, copy,
		     kernel + (is_timer ? sizeof(struct timespec64) : 0));
}

static __always_inline void deadline_in_ring(enum tnb_copy copy,
					     const struct io_kiocb *request,
					     const struct io_uring_sqe *entry)
{
	struct wait wait = { 0 };

	if (!current_page())
		return;
	if (is_wait(copy == TNB_COPY_io_timeout
			    ? ring_timeout_decode(entry, &wait)
			    : ring_update_decode(request, entry, &wait)))
		deadline_arm(&wait, copy, 0);
}

/* ---- Out ----------------------------------------------------------------- */

/* Did the kernel get what it should? A deadline that could not be read may have
 * needed no translation. This is known now, from the kernel's copy. */
static __always_inline bool is_right(const struct deadline_record *record)
{
	struct deadline_clock by = { .rules = record->rules };
	struct time_bytes got, wanted;
	struct tnb_time time = { 0 };

	if (!record->kernel)
		return record->state < RECORD_UNTOUCHED;
	if (bpf_probe_read_kernel(&got, sizeof(got), (void *)record->kernel))
		return false;
	if (record->state != RECORD_UNREADABLE)
		return got.word[0] == (__u64)record->sec &&
		       got.word[1] == (__u64)record->nsec;
	return deadline_offset(record->family, &by.offset) &&
	       !deadline_translate(&by, &got, LAYOUT_native, &time, &wanted);
}

/* For tests: deadline_out skips itself once in so many calls. */
const volatile __u32 miss_one_in __weak = 0;
static __u32 way_out;

/* What is left to do when the record is gone. */
struct deadline_rest {
	struct stuck_left stuck;
	/* A wait whose call is made again: where its deadline lies; size 0: it
	 * is not. */
	__u64 address;
	__u64 size;
};

/*
 * A timer is set anew where that changes nothing: the call returns no old time,
 * and the wrong one has not come by now. It lies behind the right one unless
 * the clock is behind the host's. One that has come is forgotten where it is of
 * a timerfd, and with one CPU no thread has seen it before this one is back in
 * user mode.
 */
static __always_inline bool
timer_can_be_set_again(const struct deadline_record *record)
{
	const struct tnb_loader_state *state = the_loader_state();
	bool compat = current_call_is_compat(), is_fd;
	struct tnb_time offset = { 0 };

	is_fd = compat ? record->number == TNB_NR_TIME64_timerfd_settime ||
				 record->number == TNB_NR_TIME32_timerfd_settime
		       : record->number == TNB_NR_timerfd_settime;
	if (syscall_arg(current_user_regs(), compat, 3) || !state)
		return false;
	if (is_fd && !tnb_read_once(state->may_spin))
		return true;
	return deadline_offset(record->family, &offset) && offset.sec >= 0;
}

static __always_inline void deadline_lose(const struct deadline_record *record,
					  struct deadline_rest *rest)
{
	__u32 copy = record->copy;
	bool is_timer = copy == TNB_COPY_itimerspec64 ||
			copy == TNB_COPY_itimerspec32;

	count(TNB_COUNT_DEADLINE_LOST);
	rest->address = record->key.address;
	if (is_timer && !timer_can_be_set_again(record))
		return;
	if (copy == TNB_COPY_timespec64 || copy == TNB_COPY_itimerspec64)
		rest->size = sizeof(struct time_bytes);
	else if (copy == TNB_COPY_timespec32 || is_timer)
		rest->size = sizeof(struct time_bytes) / 2;
	/* Else it is a request of a ring, which is no call. */
}

/* A function of its own, so that this is not on the stack while the thread is
 * held. */
TNB_ONCE int deadline_end(__u32 copy, int ret, struct deadline_rest *rest)
{
	__u32 thread = (__u32)bpf_get_current_pid_tgid();
	struct deadline_record *record;

	if (!rest)
		return 0;
	record = bpf_map_lookup_elem(&deadline_records, &thread);
	if (!record || record->copy != copy)
		return 0;
	if (!ret && !is_right(record))
		deadline_lose(record, rest);
	record_finish(record, true, &rest->stuck);
	return 0;
}

static __always_inline void deadline_out(enum tnb_copy copy, int ret)
{
	struct deadline_rest rest = { 0 };

	if (!something_in_flight())
		return;
	if (miss_one_in && ++way_out % miss_one_in == 0)
		return;
	deadline_end(copy, ret, &rest);
	/* Not within stuck_mend(): the stack is not deep enough. */
	if (rest.stuck.size && !stuck_mend(&rest.stuck))
		stuck_settle_later(&rest.stuck);
	if (rest.size)
		call_again(TNB_CALL_WAIT, rest.address, rest.size);
}

#endif
