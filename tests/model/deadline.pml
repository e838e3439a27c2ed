/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How BPF translates a deadline in the caller's memory: the in-flight protocol,
 * for spin. tests/model/run checks it, with and without the BROKEN_ parts.
 *
 * What there is
 *   M        The timespec of an address space at one address: mem[]. One value,
 *            since a reader of half a write reads a value that nobody expects.
 *            A nofault write that fails may leave half (TORN). [0] is the
 *            process, [1] its child after a fork.
 *   window   What the table knows of M while M is translated: what it was, what
 *            it is, how many calls rely on it. With no users it is "stuck": the
 *            original could not be written back, and M may still be translated.
 *   record   What a thread knows of its call: the value that the kernel has to
 *            copy, and whether the call is among the window's users. Only its
 *            thread touches it: local variables.
 *   meant[]  Ghost: what the user code believes to have in M.
 *
 * What is abstracted
 *   A deadline is a small number, clock A adds 10, clock B 40, a relative
 *   timeout 0: translated twice, half written or stored anew are all different.
 *   So the user never happens to store just the translated value (ABA), which
 *   nothing in the protocol could tell.
 *   Programs are free of data races: nobody stores into M while a call with M
 *   is in flight, from entering the kernel to returning. Readers of M other
 *   than the calls, who can see the translated value, are left out.
 *   The memory is sequentially consistent: on a machine, the flag `forking`
 *   and the lock need full barriers. With several forks at a time `forking` is
 *   a counter.
 *   The table is never full, records are never refused (such a call would be
 *   lost and counted, as with a lock that is not to be had), no fork fails.
 *
 * Where the programs (bpf/deadline*.bpf.[hc], bpf/wait/stuck.bpf.h) do less
 *   A relative timeout makes no record there: memory that is passed at once as
 *   a deadline and as a duration is not compared (docs/kernels.md).
 *   The scheduler's program restores M also when the thread has returned to its
 *   user code, where another thread may store into M at that very moment.
 *
 * Configuration (-D)
 *   THREADS CALLS   callers and how often each calls
 *   CLOCKS          1: all with A; 2: A, B; 3: A, B, relative
 *   MISSES          how many exit programs are missed
 *   LATE            a thread whose exit was missed can return to its user code
 *                   before it passes the scheduler
 *   STORES          how often user code stores a new deadline
 *   READS_BACK      it may also do so by adding to what it finds in M
 *   TRUST           a value that is neither of the window's is not reported:
 *                   right only without READS_BACK
 *   LOCK_FAILS      how often the lock is not to be had while another holds it
 *   READ_FAILS      how often a nofault read fails (page not present just now)
 *   READ_ONLY       M is in a page that is never writable
 *   FORK            another thread forks; the child calls as well
 *   TORN            how many failing writes write half
 *   FAULT           the thread may block in a page fault during the copy
 *   SHARED          M is in a page that two address spaces map (a limit: fails)
 *   ONLY            1 ... 5: assertions of this property only
 *   BROKEN_...      a rule of the protocol left out; see there
 */

#ifndef THREADS
#define THREADS 2
#endif
#ifndef CALLS
#define CALLS 2
#endif
#ifndef CLOCKS
#define CLOCKS 1
#endif
#ifndef MISSES
#define MISSES 0
#endif
#ifndef STORES
#define STORES 0
#endif
#ifndef LOCK_FAILS
#define LOCK_FAILS 0
#endif
#ifndef READ_FAILS
#define READ_FAILS 0
#endif
#ifndef TORN
#define TORN 0
#endif
#ifndef ONLY
#define ONLY 0
#endif

/*
 * P1  no silent wrong deadline
 * P2  where nothing can fail, no call is reported and nothing is left behind
 * P3  never translated twice: what is written to M is the original that the
 *     user meant, or its translation
 * P4  what is left translated is known, and is restored once that is possible
 * P5  no deadlock, locks are released: invalid end states, and unlock()
 */
#define IS_CHECKED(n) (ONLY == 0 || ONLY == n)
#define P1(condition) assert(!IS_CHECKED(1) || (condition))
#define P3(condition) assert(!IS_CHECKED(3) || (condition))
#define P4(condition) assert(!IS_CHECKED(4) || (condition))
#define P5(condition) assert(condition)

/* P2 speaks of one clock, and nothing that fails. */
#if CLOCKS == 1 && LOCK_FAILS == 0 && READ_FAILS == 0 &&                     \
	(STORES == 0 || !defined(LATE) || defined(TRUST)) &&                 \
	!defined(READ_ONLY) && !defined(FORK) && !defined(FAULT) &&          \
	!defined(SHARED)
#define P2(condition) assert(!IS_CHECKED(2) || (condition))
#else
#define P2(condition) skip
#endif

#define RELATIVE 0
#define CLOCK_A 1
#define CLOCK_B 2
#define TRANSLATED(c, x) \
	((x) + (c == CLOCK_A -> 10 : (c == CLOCK_B -> 40 : 0)))
#define IS_DEADLINE(v, x)                                                    \
	((v) == (x) || (v) == TRANSLATED(CLOCK_A, x) ||                      \
	 (v) == TRANSLATED(CLOCK_B, x))
#define HALF 100 /* added to what was there: half of another value */

/* Per address space; `mm` is a variable of each process. */
byte mem[2];
byte meant[2];
bool is_writable[2]; /* to a nofault write */
byte threads[2];     /* mm_users */
byte in_flight[2];   /* calls, as the user code sees it */
bool lock[2];	     /* of the table's group that (mm, address) falls into */
bool has_window[2];
byte original[2];
byte translated[2];
byte users[2];
bool forking;

byte misses = MISSES;
byte stores = STORES;
byte lock_fails = LOCK_FAILS;
byte read_fails = READ_FAILS;
byte torn = TORN;
byte at_end; /* threads */

#ifdef SHARED
#define PAGE 0
#else
#define PAGE mm
#endif
#define M mem[PAGE]

/* Bounded tries of a compare-and-swap. They fail only against a holder. */
inline try_lock()
{
	if
	:: atomic { !lock[mm] -> lock[mm] = true; ok = true }
	:: atomic { lock[mm] && lock_fails > 0 -> lock_fails--; ok = false }
	fi
}

inline unlock()
{
	atomic { P5(lock[mm]); lock[mm] = false }
}

/* bpf_probe_write_user(). Not atomic with what was read before. */
inline write_user(value)
{
	atomic {
		if
		:: is_writable[PAGE] ->
			P3(IS_DEADLINE(value, meant[PAGE]));
			M = value;
			ok = true
		:: else ->
			ok = false;
			if
			:: torn > 0 && M < HALF -> torn--; M = M + HALF
			:: true
			fi
		fi
	}
}

/*
 * M was translated before the eyes of the user code, and now holds something
 * else: stored anew, or computed from the translated value (t += period). The
 * second is wrong and nothing tells it from the first. So it is counted, and
 * from then on taken for what the user means.
 */
inline count_suspect()
{
#ifndef TRUST
	P2(false);
	meant[PAGE] = m
#else
	skip
#endif
}

/*
 * While a fork is going on the window stays, closed, until the end of the fork:
 * the child may have got M translated. `forking` is read after M was written:
 * if it is not set by now, the fork copies M as it is now.
 */
inline forget_window()
{
	if
#ifndef BROKEN_FORGET_IN_FORK
	:: forking && mm == 0 -> skip
	:: else ->
#else
	:: true ->
#endif
		atomic {
			has_window[mm] = false;
			original[mm] = 0;
			translated[mm] = 0;
			users[mm] = 0
		}
	fi
}

/*
 * With the lock, of a window without users. Stores of the user code between
 * the read and the write would get lost; the callers see to it that there are
 * none.
 */
inline close_window()
{
#ifdef BROKEN_FORK_FLAG_EARLY
	was_forking = forking;
#endif
	m = M;
	if
	:: read_fails > 0 -> /* nothing is known of it: stuck */
		read_fails--;
#ifdef BROKEN_FORGET_UNREADABLE
		forget_window()
#endif
#ifdef BROKEN_BLIND_RESTORE
	:: true ->
#else
	:: m == translated[mm] ->
#endif
		write_user(original[mm]);
		if
#ifdef BROKEN_FORK_FLAG_EARLY
		:: ok && !was_forking ->
			atomic { has_window[mm] = false; users[mm] = 0 }
		:: ok && was_forking -> skip
#elif defined(BROKEN_FREE_STUCK)
		:: true -> forget_window()
#else
		:: ok -> forget_window()
#endif
		:: else ->
#ifndef BROKEN_IGNORE_HALF
			translated[mm] = M /* half: what is to be restored */
#else
			skip
#endif
		fi
#ifndef BROKEN_BLIND_RESTORE
	:: m == original[mm] -> forget_window()
	:: m != translated[mm] && m != original[mm] ->
		count_suspect();
		forget_window()
#endif
	fi;
	m = 0
}

/*
 * The end of a record: by the exit program, by the scheduler's if that was
 * missed, or by the thread's next enter. Without the lock it stays and the
 * next one tries again.
 *
 * may_write: can no user code store into M meanwhile?
 */
inline finish_record(may_write)
{
	if
	:: is_joined ->
		try_lock();
		if
		:: ok ->
#ifdef BROKEN_NO_COUNT
			users[mm] = 0;
#else
			users[mm] = users[mm] - 1;
#endif
#ifdef BROKEN_LATE_WRITE
			if
			:: users[mm] == 0 && M == translated[mm] ->
				m = original[mm];
				forget_window();
				unlock();
				write_user(m);
				m = 0
			:: else -> unlock()
			fi;
#else
			if
			:: users[mm] == 0 && may_write && has_window[mm] ->
				close_window()
			:: else
			fi;
			unlock();
#endif
			is_joined = false;
			has_record = false
		:: else ->
#ifdef BROKEN_FORGET_WITHOUT_LOCK
			is_joined = false;
			has_record = false
#else
			skip
#endif
		fi
	:: else -> has_record = false
	fi;
	ok = false
}

/*
 * The scheduler's program for a thread that is not in the call of its record
 * (so does an enter with another address that finds an old record):
 * other threads' user code can run and store into M, and BPF has no
 * compare-and-swap on user memory. So M is written only if the thread is the
 * only one of its address space; otherwise the window is left stuck for the
 * next enter with M. (Whether it is still in the call: the system call's
 * number, user ip and sp of its registers against those in the record.)
 */
inline pass_scheduler()
{
#ifndef BROKEN_NO_SCHEDULER
#ifdef BROKEN_RESTORE_AMONG_THREADS
#define IS_ALONE true
#else
#define IS_ALONE (threads[mm] == 1)
#endif
	if
	:: has_record -> finish_record(IS_ALONE)
	:: else
	fi;
	if
	:: IS_ALONE && has_window[mm] && users[mm] == 0 ->
		try_lock();
		if
		:: ok ->
			if
			:: has_window[mm] && users[mm] == 0 -> close_window()
			:: else
			fi;
			unlock()
		:: else
		fi;
		ok = false
	:: else
	fi
#else
	skip
#endif
}

/* M holds no translated value: `m` is what the user means. */
inline translate(window_users)
{
	write_user(expected);
	if
	:: ok ->
		atomic {
			has_window[mm] = true;
			original[mm] = m;
			translated[mm] = expected;
			users[mm] = window_users + 1;
			is_joined = true
		}
	:: else ->
#ifndef BROKEN_IGNORE_HALF
		if
		:: M != m -> /* half: nobody joins it, it is to be restored */
			atomic {
				has_window[mm] = true;
				original[mm] = m;
				translated[mm] = M;
				users[mm] = window_users
			}
		:: else
		fi
#else
		skip
#endif
	fi
}

/* With the lock: what to do with M, and what the kernel has to copy. */
inline decide()
{
	m = M;
	has_record = true;
	is_new = true;
	if
	:: read_fails > 0 ->
		read_fails--;
		is_reported = true; /* lost */
		has_record = false
#ifdef BROKEN_TRANSLATE_WHAT_IS_READ
	:: true ->
#else
	:: !has_window[mm] ->
#endif
		expected = TRANSLATED(clock, m);
		if
		:: expected != m -> translate(users[mm])
		:: else
		fi
#ifndef BROKEN_TRANSLATE_WHAT_IS_READ
#ifdef BROKEN_JOIN_UNSEEN
	:: has_window[mm] ->
#else
	:: has_window[mm] && m == translated[mm] ->
#endif
		expected = TRANSLATED(clock, original[mm]);
		if
		:: expected == translated[mm] ->
			atomic { users[mm] = users[mm] + 1; is_joined = true }
		:: else /* a conflict: the copy will differ */
		fi
#ifndef BROKEN_JOIN_UNSEEN
	/*
	 * Closed during a fork, or the user stored the same again. Translated
	 * otherwise, the child's copy would be forgotten.
	 */
	:: has_window[mm] && m == original[mm] ->
		expected = TRANSLATED(clock, m);
		if
		:: expected != m &&
		   (expected == translated[mm] ||
		    (users[mm] == 0 && !forking)) ->
			translate(users[mm])
		:: else
		fi
	/* Stored anew, or computed. Its users are records of missed exits. */
	:: has_window[mm] && m != translated[mm] && m != original[mm] ->
		count_suspect();
#ifndef TRUST
		is_reported = true;
#endif
		expected = TRANSLATED(clock, m);
		if
#ifdef BROKEN_FORGET_IN_FORK
		:: expected != m -> translate(users[mm])
#else
		:: expected != m && !forking -> translate(users[mm])
#endif
		:: expected == m && users[mm] == 0 -> forget_window()
		:: else
		fi
#endif
#endif
	fi;
	wanted = TRANSLATED(clock, meant[PAGE]);
	m = 0
}

/* The program before the kernel's copy. */
inline enter()
{
	if
	:: has_record -> finish_record(true)
	:: else
	fi;
	if
	:: has_record -> is_reported = true /* lost; the old record stays */
	:: else ->
		try_lock();
		if
		:: ok ->
			decide();
#ifdef BROKEN_NO_RECORD_IF_UNCHANGED
			has_record = is_joined || clock != RELATIVE ||
				     has_window[mm];
#endif
#ifndef BROKEN_KEEP_LOCK
			unlock()
#else
			if
			:: is_joined -> unlock()
			:: else
			fi
#endif
		:: else -> is_reported = true /* lost */
		fi
	fi;
	ok = false
}

/*
 * A page fault in the copy, in which the thread blocks: the scheduler's program
 * runs before the copy. It passes over a thread in TASK_UNINTERRUPTIBLE or
 * TASK_KILLABLE, since the sleeps of the calls are interruptible. The fault of
 * userfaultfd is so as well: there the window is left, but the record stays for
 * the comparison. (If then the exit is missed too, nothing is known: silent.)
 */
inline block_in_copy()
{
#ifdef FAULT
	if
	:: true
	:: has_record && is_new ->
#ifdef BROKEN_RESTORE_IN_FAULT
		finish_record(true)
#else
		cannot_miss = true;
		finish_record(true);
		has_record = true
#endif
	fi
#else
	skip
#endif
}

/*
 * The program after the copy, or none: missed. Then the scheduler's program
 * does it when the thread blocks in the call or, with LATE, later on. It cannot
 * see what the kernel has copied. A call that had joined has got what it
 * expects: nobody writes M while it has users. Of any other call nothing is
 * known: reported.
 */
inline leave()
{
	if
	:: !(has_record && is_new) -> skip
	:: has_record && is_new ->
#ifndef BROKEN_NO_COMPARISON
		is_reported = is_reported || copied != expected;
#endif
		finish_record(true)
	:: atomic { has_record && is_new && misses > 0 && !cannot_miss ->
			misses-- };
#ifndef BROKEN_TRUST_MISSED
		is_reported = is_reported || !is_joined;
#endif
#ifndef BROKEN_NO_SCHEDULER
		if
		:: finish_record(true)
#ifdef LATE
		:: true
#endif
		fi
#endif
	fi
}

inline call()
{
	atomic {
		in_flight[mm] = in_flight[mm] + 1;
		if
		:: clock = CLOCK_A
#if CLOCKS >= 2
		:: clock = CLOCK_B
#endif
#if CLOCKS >= 3
		:: clock = RELATIVE
#endif
		fi
	};
	enter();
	block_in_copy();
	copied = M;
	leave();
	atomic {
		P1(is_reported || copied == wanted);
		P2(!is_reported && copied == wanted);
		in_flight[mm] = in_flight[mm] - 1;
		clock = 0;
		copied = 0;
		expected = 0;
		wanted = 0;
		is_reported = false;
		is_new = false;
		cannot_miss = false
	}
}

/* Stores break copy-on-write: from then on nofault writes succeed. */
inline user_code()
{
#if defined(LATE) || defined(FORK)
	if
	:: true
	:: has_record || has_window[mm] -> pass_scheduler()
	fi;
#endif
#if STORES > 0
	if
	:: true
	:: atomic { stores > 0 && in_flight[mm] == 0 ->
			stores--;
			meant[PAGE] = meant[PAGE] + 1;
			if
			:: M = meant[PAGE]
#ifdef READS_BACK
			:: M = M + 1
#endif
			fi;
			is_writable[PAGE] = true }
	fi;
#endif
	skip
}

proctype caller(byte mm; byte calls)
{
	byte clock, m, expected, wanted, copied;
	bool ok, has_record, is_joined, is_reported, is_new, cannot_miss;
#ifdef BROKEN_FORK_FLAG_EARLY
	bool was_forking;
#endif

	do
	:: calls > 0 -> user_code(); call(); calls--
	:: else -> break
	od;
	do /* it passes the scheduler more often than the lock fails */
	:: has_record ->
		pass_scheduler();
#ifdef BROKEN_NO_SCHEDULER
		break
#endif
	:: else -> break
	od;
	atomic { threads[mm] = threads[mm] - 1; at_end++ }
}

#ifdef FORK
/* A thread that forks, while the others call. */
proctype forker()
{
	byte mm = 0;
	bool ok;

	forking = true; /* a program before the address space is copied */
	atomic {
		mem[1] = mem[0];
		meant[1] = meant[0];
		is_writable[0] = false;
		is_writable[1] = false
	};
	/* A program after it, before the child runs. */
#ifndef BROKEN_FORK_WITHOUT_LOCK
	do /* it must not give up: the child's windows would be unknown */
	:: try_lock();
		if
		:: ok -> break
		:: else
		fi
	od;
#endif
	atomic {
		has_window[1] = has_window[0];
		original[1] = original[0];
		translated[1] = translated[0];
		users[1] = 0;
		if
		:: has_window[0] && users[0] == 0 && mem[0] == original[0] ->
			has_window[0] = false;
			original[0] = 0;
			translated[0] = 0
		:: else
		fi;
		forking = false
	};
#ifndef BROKEN_FORK_WITHOUT_LOCK
	unlock();
#endif
	atomic {
		threads[0] = threads[0] - 1;
		threads[1] = 1;
		run caller(1, 1)
	}
}

/* Some thread writes elsewhere in the page, or nobody does. */
proctype toucher()
{
end:	atomic { !is_writable[0] -> is_writable[0] = true }
}
#define ALL (THREADS + 1)
#else
#define ALL THREADS
#endif

/* In the end: nobody is in flight, all records are finished. */
inline check_end()
{
	P5(!lock[mm]);
	P4(M == meant[PAGE] || has_window[mm]);
#ifndef LATE
	P2(M == meant[PAGE] && !has_window[mm]);
#endif
	/* One thread is left, writes to the page and passes the scheduler. */
#ifndef READ_ONLY
	is_writable[PAGE] = true;
#endif
	read_fails = 0;
	threads[mm] = 1;
	pass_scheduler();
	P4(users[mm] == 0);
#ifndef READ_ONLY
	P4(M == meant[PAGE] && !has_window[mm]);
#endif
	P2(M == meant[PAGE] && !has_window[mm] && users[mm] == 0)
}

init
{
	byte mm, m;
	bool ok, has_record, is_joined;
#ifdef BROKEN_FORK_FLAG_EARLY
	bool was_forking;
#endif

	atomic {
		mem[0] = 1;
		meant[0] = 1;
#ifndef READ_ONLY
		is_writable[0] = true;
#endif
#ifdef SHARED
		threads[0] = 1;
		threads[1] = 1;
		run caller(0, CALLS);
		run caller(1, CALLS);
#else
		threads[0] = THREADS;
		run caller(0, CALLS);
#if THREADS >= 2
		run caller(0, CALLS);
#endif
#if THREADS >= 3
		run caller(0, CALLS);
#endif
#endif
#ifdef FORK
		threads[0] = THREADS + 1;
		run forker();
		run toucher();
#endif
	};
	atomic {
		at_end == ALL;
		check_end();
#ifdef FORK
		mm = 1;
		check_end();
#endif
	}
}
