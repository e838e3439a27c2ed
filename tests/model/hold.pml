/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a thread is held in the kernel until the loader has answered, for spin:
 * rules H1 to H5 of include/abi/hold.h. tests/model/run checks it, with and
 * without the BROKEN_ parts.
 *
 * What there is
 *   thread    It makes calls, each of which needs the loader. It has a number
 *             (tid), which another thread gets when it ends.
 *   word[]    WAITING, TAKEN or REFUSED with the number of a hold, or FREE.
 *   ring      Events: the number of the hold, of the thread, and its rule.
 *   loader    Its tracers: each takes an event, seizes, answers and works.
 *   trap[]    The stop that PTRACE_INTERRUPT has asked for: the thread stops
 *             before it runs its user code again.
 *   stage[]   What the registers of a stopped thread tell: it is in its user
 *             code, in the kernel, or at the end of a call.
 *   outcome[] Ghost: what has become of a call.
 *
 * Kinds of calls (-D), one for all
 *   (none)    A start: prepared before its first instruction. Unprepared it is
 *             slow and right. So the loader may count what it refuses, and a
 *             start whose loader died after the answer is known by that death.
 *   CALL      The loader sets the result, an absolute time.
 *   AGAIN     The loader has a call made again that has failed.
 *   MEMORY    The loader makes memory writable. It stops nothing.
 *
 * What is abstracted
 *   Time. With BOUND the bound of a hold runs out at any moment, without it
 *   never. The last beat of a dead loader counts for any time, and then not.
 *   The memory is sequentially consistent: words change by atomic instructions
 *   that are full barriers. Numbers of holds never come round.
 *   A thread and the next one of the same number are one process here.
 *   How the work is done, and that it fails: the loader counts that.
 *   A beat that stops while its loader and guard live is BOUND.
 *
 * Configuration (-D)
 *   THREADS CALLS   threads at a time, and how many calls each number makes
 *   TRACERS         threads of the loader
 *   WORDS RING      words, and room for events (without: enough of them)
 *   BOUND           the bound of a hold may run out
 *   DEATHS          how many threads are killed, anywhere
 *   ALL_KILLED      all that are held are killed there
 *   REFUSALS        how often another process traces the thread
 *   DIES            how often the loader dies, anywhere
 *   HANGS           how often a tracer hangs; the guard then ends the loader
 *   STALLS          how many tracers wait for ever before they seize
 *   NEW             how many loaders follow
 *   NO_GUARD        the guard has died before
 *   GUARD_DIES      the guard dies, anywhere
 *   FORKS           how often memory becomes unwritable again
 *   ONLY            1 ... 5: assertions of this property only
 *   BROKEN_...      a rule of the protocol left out; see there
 */

#ifndef THREADS
#define THREADS 2
#endif
#ifndef CALLS
#define CALLS 2
#endif
#ifndef TRACERS
#define TRACERS 1
#endif
/* A number is that of a call; it has one hold at most. */
#define NUMBERS (THREADS * CALLS + 1)
#ifndef WORDS
#define WORDS NUMBERS
#endif
#ifndef RING
#define RING THREADS
#endif
#ifndef DEATHS
#define DEATHS 0
#endif
#ifndef REFUSALS
#define REFUSALS 0
#endif
#ifndef DIES
#define DIES 0
#endif
#ifndef HANGS
#define HANGS 0
#endif
#ifndef STALLS
#define STALLS 0
#endif
#ifndef NEW
#define NEW 0
#endif
#ifndef FORKS
#define FORKS 0
#endif
#ifndef ONLY
#define ONLY 0
#endif

/*
 * P1  nothing in silence: a call that the loader has not done is counted
 * P2  where nothing can fail, the loader does each call
 * P3  done for the thread that was held, and once; done or counted, and once
 * P4  no word stays behind
 * P5  no thread waits for ever: invalid end states
 */
#define IS_CHECKED(n) (ONLY == 0 || ONLY == n)
#define P1(condition) assert(!IS_CHECKED(1) || (condition))
#define P3(condition) assert(!IS_CHECKED(3) || (condition))
#define P4(condition) assert(!IS_CHECKED(4) || (condition))

#if WORDS >= NUMBERS && RING >= THREADS && !defined(BOUND) && DEATHS == 0 && \
	REFUSALS == 0 && DIES == 0 && HANGS == 0 && STALLS == 0 &&           \
	FORKS == 0 && !defined(ALL_KILLED) && !defined(NO_GUARD)
#define P2(condition) assert(!IS_CHECKED(2) || (condition))
#else
#define P2(condition) skip
#endif

#define INDEX(n) ((n) % WORDS)
#define FREE 0
#ifdef BROKEN_NO_NUMBER
#define WAITING(n) 1
#else
#define WAITING(n) (4 * (n) + 1)
#endif
#define TAKEN(n) (WAITING(n) + 1)
#define REFUSED(n) (WAITING(n) + 2)

#if defined(CALL) || defined(AGAIN) || defined(MEMORY)
#define THREAD_COUNTS /* what is refused */
#endif

#define IN_USER 0
#define IN_KERNEL 1
#define AT_END 2 /* of a call, or before the first instruction */

#define OFFSET 10 /* of the rule's clock */
#define HOST 1
#define VIRTUAL (HOST + OFFSET)

#define NOTHING 0
#define WAS_TAKEN 1
#define WAS_REFUSED 2 /* and is not counted yet */
#define COUNTED 3
#define DONE 4
#define DIED 5 /* the loader, after it had answered */
#define ENDED 6 /* the thread */

byte word[WORDS];
chan ring = [RING] of { byte, byte, bool };

/* Threads, by number from 0. */
byte number[THREADS]; /* of its call: ghost */
byte stage[THREADS];
byte result[THREADS];
bool is_inside[THREADS]; /* of the rule */
bool is_there[THREADS];
bool trap[THREADS];
bool is_stopped[THREADS];
byte tracer[THREADS]; /* 0: none */
#ifdef AGAIN
bool has_effect[THREADS]; /* the call cannot be made again */
#endif
#ifdef MEMORY
bool is_writable[THREADS];
#endif

/* The loader; tracers by number from 1. */
bool beat = true;
bool is_killed[TRACERS + 1];
bool hangs;
byte running; /* tracers */
byte job[TRACERS + 1]; /* what it has answered and not done: ghost */

byte outcome[NUMBERS];
bool is_noted[NUMBERS]; /* the thread has counted it, and the loader is to
			   take that back when it has done it */

byte numbers;
byte deaths = DEATHS;
byte refusals = REFUSALS;
byte loader_dies = DIES;
byte loader_hangs = HANGS;
byte stalls = STALLS;
byte loaders = NEW;
byte forks = FORKS;

#ifdef NO_GUARD
bool has_guard = false;
#else
bool has_guard = true;
#endif

/* Beats of both: only the guard ends a loader that hangs. */
#ifdef BROKEN_NO_BEATS
#define LOADER_LIVES true
#elif defined(BROKEN_BEAT_OF_LOADER_ALONE)
#define LOADER_LIVES beat
#else
#define LOADER_LIVES (beat && has_guard)
#endif

/* ---- The thread ---------------------------------------------------------- */

inline count_it()
{
	atomic {
		P3(outcome[n] == NOTHING);
		outcome[n] = COUNTED
	}
}

inline be_killed()
{
	atomic { deaths > 0 && !is_dying -> deaths--; is_dying = true }
}

/* The kernel lets go of a thread that ends; another gets its number. */
inline end_thread()
{
	atomic {
		if
		:: n > 0 && outcome[n] == NOTHING -> outcome[n] = ENDED
		:: else
		fi;
		trap[t] = false;
		is_stopped[t] = false;
		tracer[t] = 0;
		stage[t] = IN_USER;
		number[t] = 0;
		n = 0;
		if
		:: is_inside[t] = true
#ifdef CALL
		:: is_inside[t] = false
#endif
		fi
	}
}

/* The loop of the BPF program, and what ends it (H5). */
inline wait_for_answer()
{
	do
	:: word[INDEX(n)] != WAITING(n) -> break
	:: word[INDEX(n)] == WAITING(n) && !LOADER_LIVES -> break
#if defined(BOUND) && !defined(BROKEN_NO_BOUND)
	:: true -> break
#endif
#ifndef BROKEN_KILLED_WAITS
	:: is_dying -> break
#endif
#ifdef ALL_KILLED
	:: !is_dying -> is_dying = true
#else
	:: be_killed()
#endif
	od
}

/* Give up, unless there is an answer by now (H2). */
inline give_up()
{
#ifdef BROKEN_PLAIN_STORE
	found = word[INDEX(n)];
	if
	:: found == WAITING(n) -> word[INDEX(n)] = FREE
	:: else
	fi
#else
	atomic {
		found = word[INDEX(n)];
		if
		:: found == WAITING(n) -> word[INDEX(n)] = FREE
		:: else
		fi
	}
#endif
#ifdef BROKEN_NO_SECOND_LOOK
	;
	found = WAITING(n)
#endif
}

/*
 * The word is freed by its thread alone (H1). A call that the loader has taken
 * counts as not done until it is: if the loader dies, nothing else counts it.
 */
inline follow_answer()
{
	if
	:: found == WAITING(n) ->
		if
		:: is_dying
		:: else -> count_it()
		fi
	:: found == TAKEN(n) ->
#ifndef BROKEN_LOADER_FREES
		word[INDEX(n)] = FREE;
#endif
#if (defined(CALL) || defined(AGAIN)) && !defined(BROKEN_NO_NOTE)
		is_noted[n] = true;
#endif
		is_taken = true
	:: else ->
		word[INDEX(n)] = FREE;
#ifdef THREAD_COUNTS
		atomic {
			P3(outcome[n] == WAS_REFUSED);
			outcome[n] = COUNTED
		}
#endif
	fi;
	found = 0
}

inline hold()
{
	if
	:: !LOADER_LIVES -> count_it()
	:: else ->
		if
		:: atomic { word[INDEX(n)] == FREE ->
				word[INDEX(n)] = WAITING(n) };
			if
			:: atomic { nfull(ring) -> ring!n, t, is_inside[t] };
				wait_for_answer();
				give_up();
				follow_answer()
			:: atomic { full(ring) -> word[INDEX(n)] = FREE };
				count_it()
			fi
		:: atomic { word[INDEX(n)] != FREE -> count_it() }
		fi
	fi
}

/* Stopped, until the loader lets go of it or dies. */
inline stop()
{
	atomic {
		if
		:: trap[t] -> trap[t] = false; is_stopped[t] = true
		:: else /* the loader has died */
		fi
	};
	if
	:: !is_stopped[t]
	:: be_killed()
	fi
}

/* The thread runs its user code again, and sees what has become of its call. */
inline return_to_user()
{
	stage[t] = IN_USER;
#if defined(CALL) || defined(AGAIN)
	P3(result[t] == HOST || (is_inside[t] && result[t] == VIRTUAL));
	P1(!is_inside[t] || result[t] == VIRTUAL || outcome[n] == COUNTED ||
	   is_noted[n]);
#elif defined(MEMORY)
	P1(outcome[n] == DONE || outcome[n] == COUNTED);
#else
	P1(outcome[n] == DONE || outcome[n] == COUNTED ||
	   outcome[n] == WAS_REFUSED || outcome[n] == DIED);
#endif
	P2(outcome[n] == DONE);
	result[t] = 0;
	number[t] = 0;
	n = 0
}

/* A nofault write of a translated deadline, tried again when that is said to
 * help: a fork may have come in between. */
inline translate()
{
	if
	:: is_writable[t] -> outcome[n] = DONE
	:: else ->
		hold();
		if
#ifdef BROKEN_TRUST_TAKEN
		:: is_taken -> P1(is_writable[t]); outcome[n] = DONE
#else
		:: atomic { is_taken && is_writable[t] -> outcome[n] = DONE }
		:: atomic { is_taken && !is_writable[t] ->
				outcome[n] = COUNTED }
#endif
		:: !is_taken
		fi
	fi
}

inline call()
{
	atomic {
		numbers++;
		n = numbers;
		number[t] = n;
		stage[t] = IN_KERNEL;
		result[t] = HOST
	};
#ifdef MEMORY
	translate();
#elif defined(AGAIN)
	if /* one that has done what it is for must not be made again */
	:: atomic { true ->
			has_effect[t] = true;
			result[t] = VIRTUAL;
			outcome[n] = DONE }
	:: true -> hold()
	fi;
#else
	if
	:: is_inside[t] -> hold()
	:: else
	fi;
#endif
	is_taken = false;
	stage[t] = AT_END;
	do
	:: is_dying -> break
	:: !is_dying && trap[t] -> stop()
	:: atomic { !is_dying && !trap[t] -> return_to_user(); break }
	od
#ifdef AGAIN
	;
	has_effect[t] = false
#endif
}

proctype thread(byte t; byte calls)
{
	byte n, found;
	bool is_taken, is_dying;

	do
	:: atomic { calls > 0 && !is_dying -> calls-- };
		call()
	:: calls > 0 && !is_dying && trap[t] -> stop()
	:: be_killed()
	:: is_dying -> atomic { end_thread(); is_dying = false }
	:: atomic { calls == 0 && !is_dying ->
			is_there[t] = false;
			trap[t] = false;
			tracer[t] = 0;
			break }
	od
}

/* ---- The loader ---------------------------------------------------------- */

/* Stopped by a signal, or for want of anything. */
inline may_hang()
{
#if HANGS > 0
	if
	:: true
	:: atomic { loader_hangs > 0 -> loader_hangs--; hangs = true };
		false
	fi
#else
	skip
#endif
}

inline seize()
{
	atomic {
		if
		:: is_there[t] && tracer[t] == 0 ->
			tracer[t] = id;
			is_seized = true
		:: is_there[t] && tracer[t] == 0 && refusals > 0 ->
			refusals--
		:: !is_there[t] || tracer[t] != 0
		fi
	}
}

inline interrupt()
{
	atomic {
		if
		:: tracer[t] == id -> trap[t] = true
		:: else /* it has ended */
		fi
	}
}

/* The answer, if the thread still waits for it (H2). */
inline answer(as, becomes, owes)
{
	atomic {
		if
#ifdef BROKEN_ANSWER_BY_STORE
		:: true ->
#else
		:: word[INDEX(n)] == WAITING(n) ->
#endif
			word[INDEX(n)] = as;
			P3(outcome[n] == NOTHING);
			outcome[n] = becomes;
			job[id] = owes;
			is_answered = true
#ifndef BROKEN_ANSWER_BY_STORE
		:: else
#endif
		fi
	}
}

/* What the thread does not count the loader does, which knows the reason. */
inline refuse()
{
#ifdef THREAD_COUNTS
	answer(REFUSED(n), WAS_REFUSED, 0)
#else
	answer(REFUSED(n), WAS_REFUSED, n);
	if
#ifdef BROKEN_COUNT_ANYWAY
	:: true ->
#else
	:: is_answered ->
#endif
		atomic {
			P3(outcome[n] == WAS_REFUSED);
			outcome[n] = COUNTED;
			job[id] = 0
		}
#ifndef BROKEN_COUNT_ANYWAY
	:: else
#endif
	fi
#endif
}

/* The result is an absolute time: setting it twice does no harm. */
inline set_result(rule)
{
	P3(stage[t] == AT_END);
#ifdef BROKEN_ADD_OFFSET
	result[t] = result[t] + (rule -> OFFSET : 0)
#else
	result[t] = (rule -> VIRTUAL : HOST)
#endif
}

inline make_again()
{
	P3(stage[t] == AT_END && !has_effect[t]);
	result[t] = VIRTUAL /* of the call that follows at once */
}

/* What the loader was asked for, to the thread that it holds. */
inline work()
{
	P3(number[t] == n && stage[t] == AT_END);
#ifdef CALL
	set_result(is_inside[t]);
#elif defined(AGAIN)
	make_again();
#endif
	is_done = true
}

/*
 * The thread gave up, or it is another: the loader does not know which, nor
 * where it has stopped (H4). A result that is the virtual time is right for any
 * thread in a rule that is at the end of such a call.
 */
inline work_late()
{
#ifdef CALL
	if
#ifdef BROKEN_NO_LOOK_AT_REGISTERS
	:: true ->
#else
	:: stage[t] == AT_END ->
#endif
#ifdef BROKEN_RULE_OF_EVENT
		set_result(rule)
#else
		set_result(is_inside[t])
#endif
#ifndef BROKEN_NO_LOOK_AT_REGISTERS
	:: else
#endif
	fi
#elif defined(AGAIN) && defined(BROKEN_AGAIN_LATE)
	if
	:: stage[t] == AT_END -> make_again()
	:: else
	fi
#else
	skip
#endif
}

/* Once it has stopped. One that is killed meanwhile is no tracee any more. */
inline work_on_it()
{
	if
	:: tracer[t] == id && is_stopped[t]
	:: tracer[t] != id
	fi;
	may_hang();
	atomic {
		if
		:: tracer[t] != id
#ifdef BROKEN_WORK_ANYWAY
		:: tracer[t] == id -> work()
#else
		:: tracer[t] == id && is_answered -> work()
		:: tracer[t] == id && !is_answered -> work_late()
#endif
		fi
	};
	may_hang();
	atomic {
		if
		:: is_answered ->
			P3(outcome[n] == WAS_TAKEN);
			outcome[n] = (is_done -> DONE : ENDED);
			is_noted[n] = false;
			job[id] = 0
		:: else
		fi;
		is_done = false
	};
	atomic {
		if
		:: tracer[t] == id -> tracer[t] = 0; is_stopped[t] = false
		:: else
		fi
	}
#ifdef BROKEN_LOADER_FREES
	;
	if
	:: is_answered -> word[INDEX(n)] = FREE
	:: else
	fi
#endif
}

/* Of an event's thread: seize it, have it stop, and answer (H3). */
inline stop_thread()
{
	seize();
	may_hang();
	if
	:: is_seized ->
#ifdef BROKEN_TAKEN_BEFORE_TRAP
		answer(TAKEN(n), WAS_TAKEN, n);
		interrupt();
#else
		interrupt();
		may_hang();
		answer(TAKEN(n), WAS_TAKEN, n);
#endif
		may_hang();
		work_on_it()
	:: else -> refuse()
	fi;
	is_seized = false
}

/* Harmless for any thread, held or not: no byte changes. */
inline make_writable()
{
#ifdef BROKEN_TAKEN_BEFORE_WRITABLE
	answer(TAKEN(n), WAS_TAKEN, 0);
	is_writable[t] = true
#else
	if
	:: is_writable[t] = true;
		may_hang();
		answer(TAKEN(n), WAS_TAKEN, 0)
	:: atomic { refusals > 0 -> refusals-- }; /* read-only */
		refuse()
	fi
#endif
}

/* The first look spares threads that are not held. It decides nothing. */
inline serve()
{
#if STALLS > 0
	if
	:: true
	:: atomic { stalls > 0 -> stalls-- };
end_stalled:	false
	fi;
#endif
	if
#ifdef BROKEN_NO_FIRST_LOOK
	:: true ->
#else
	:: word[INDEX(n)] == WAITING(n) ->
#endif
#ifdef MEMORY
		make_writable()
#else
		stop_thread()
#endif
#ifndef BROKEN_NO_FIRST_LOOK
	:: else
#endif
	fi;
	atomic { is_answered = false; rule = false; n = 0; t = 0 }
}

proctype loader(byte id)
{
	byte n, t;
	bool rule, is_seized, is_answered, is_done;

end_dead:
	do
	:: atomic { !is_killed[id] ->
			running++;
			n = 0; t = 0;
			rule = false; is_seized = false; is_answered = false;
			is_done = false };
		{
end_idle:
			do
			:: ring?n, t, rule -> serve()
			od
		} unless { atomic { is_killed[id] -> running-- } }
	od
}

/* ---- Death --------------------------------------------------------------- */

/* The kernel lets go of what a tracer traces. Pending stops are undone. */
inline kill_tracer(i)
{
	atomic {
		is_killed[i] = true;
		for (k : 0 .. THREADS - 1) {
			if
			:: tracer[k] == i ->
				tracer[k] = 0;
				trap[k] = false;
				is_stopped[k] = false
			:: else
			fi
		};
		k = 0;
		if
		:: job[i] -> outcome[job[i]] = DIED; job[i] = 0
		:: else
		fi
	}
}

inline kill_loader()
{
	if
	:: true -> beat = false
	:: true
	fi;
	kill_tracer(1);
#if TRACERS > 1
	kill_tracer(2);
#endif
	beat = false;
	hangs = false
}

inline start_loader()
{
	atomic {
#ifdef BROKEN_NEW_LOADER_FREES
		for (k : 0 .. WORDS - 1) { word[k] = FREE };
#endif
		for (k : 1 .. TRACERS) { is_killed[k] = false };
		k = 0;
		beat = true
	}
}

proctype guard()
{
	byte k;

end:	do
	:: atomic { beat && loader_dies > 0 -> loader_dies-- };
		kill_loader()
	:: hangs && has_guard -> kill_loader()
#ifdef GUARD_DIES
	:: atomic { has_guard -> has_guard = false }
#endif
	:: atomic { !beat && running == 0 && loaders > 0 -> loaders-- };
		start_loader()
	:: atomic { forks > 0 -> forks-- };
#ifdef MEMORY
		is_writable[0] = false
#else
		skip
#endif
	od
}

init
{
	byte k;

	atomic {
		for (k : 0 .. THREADS - 1) {
			is_inside[k] = true;
			is_there[k] = true;
			run thread(k, CALLS)
		};
		for (k : 1 .. TRACERS) { run loader(k) };
		k = 0;
		/* No wait may need them to end. */
		if
		:: true
		:: loader_dies = 0
		fi;
		if
		:: true
		:: deaths = 0
		fi;
#if DIES > 0 || HANGS > 0 || FORKS > 0
		run guard()
#endif
	};
	/* The threads have ended, and the loader has done what it took. */
	atomic {
		timeout;
		for (k : 0 .. WORDS - 1) { P4(word[k] == FREE) };
		for (k : 1 .. NUMBERS - 1) {
			P3(outcome[k] != WAS_TAKEN &&
			   outcome[k] != WAS_REFUSED);
			P3(outcome[k] != DONE || !is_noted[k])
		}
	}
}
