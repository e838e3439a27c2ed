/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "jobs.h"

#include "rules/channel.h"

void tnb_jobs_init(struct tnb_jobs *jobs)
{
	*jobs = (struct tnb_jobs){ 0 };
	pthread_mutex_init(&jobs->mutex, NULL);
}

void tnb_jobs_destroy(struct tnb_jobs *jobs)
{
	pthread_mutex_destroy(&jobs->mutex);
}

void tnb_jobs_reset(struct tnb_jobs *jobs, unsigned int number)
{
	pthread_mutex_lock(&jobs->mutex);
	jobs->job[number].busy = false;
	pthread_mutex_unlock(&jobs->mutex);
}

/* ---- All of these with the mutex held ------------------------------------ */

static struct tnb_job *job_of(struct tnb_jobs *jobs, __u32 tgid)
{
	for (size_t i = 0; i < TNB_TRACERS; i++)
		if (jobs->job[i].busy && jobs->job[i].event.tgid == tgid)
			return &jobs->job[i];
	return NULL;
}

/* Whether this very start has ended already, as one with an earlier event. */
static bool is_done(const struct tnb_jobs *jobs,
		    const struct tnb_loader_event *event)
{
	for (size_t i = 0; i < TNB_DONE; i++)
		if (jobs->done[i].tgid == event->tgid &&
		    jobs->done[i].when_ns >= event->when_ns)
			return true;
	return false;
}

static void job_begin(struct tnb_job *job, const struct tnb_loader_event *event)
{
	*job = (struct tnb_job){
		.event = *event,
		.busy = true,
		.held = event->kind == TNB_EVENT_HELD,
		.hold = event->hold,
	};
}

static void job_add(struct tnb_job *job, const struct tnb_loader_event *event)
{
	if (event->kind == TNB_EVENT_HELD) {
		job->held = true;
		job->hold = event->hold;
	} else {
		job->again = true;
		job->next = *event;
	}
}

static bool take_locked(struct tnb_jobs *jobs, struct tnb_job *job,
			const struct tnb_loader_event *event)
{
	struct tnb_job *busy = job_of(jobs, event->tgid);

	if (busy) {
		job_add(busy, event);
		return false;
	}
	if (is_done(jobs, event)) {
		if (event->kind == TNB_EVENT_HELD)
			tnb_channel_release(jobs->state, event->hold);
		return false;
	}
	job_begin(job, event);
	return true;
}

static void note_done(struct tnb_jobs *jobs, __u32 tgid, __u64 when_ns)
{
	jobs->done[jobs->done_next++ % TNB_DONE] =
		(struct tnb_done){ tgid, when_ns };
}

static bool end_locked(struct tnb_jobs *jobs, struct tnb_job *job,
		       const struct tnb_outcome *outcome)
{
	if (outcome->start == TNB_START_FAST)
		note_done(jobs, job->event.tgid, outcome->when_ns);
	/* Otherwise the guard takes the signal back, as it may not have been
	 * sent yet. */
	if (job->held && outcome->start == TNB_START_FAST)
		tnb_channel_release(jobs->state, job->hold);
	job->held = false;
	job->busy = job->again && !is_done(jobs, &job->next);
	job->again = false;
	job->event = job->next;
	return job->busy;
}

/* -------------------------------------------------------------------------- */

bool tnb_jobs_take(struct tnb_jobs *jobs, struct tnb_job *job,
		   const struct tnb_loader_event *event)
{
	bool taken;

	pthread_mutex_lock(&jobs->mutex);
	taken = take_locked(jobs, job, event);
	pthread_mutex_unlock(&jobs->mutex);
	return taken;
}

bool tnb_jobs_end(struct tnb_jobs *jobs, struct tnb_job *job,
		  const struct tnb_outcome *outcome)
{
	bool more;

	pthread_mutex_lock(&jobs->mutex);
	more = end_locked(jobs, job, outcome);
	pthread_mutex_unlock(&jobs->mutex);
	return more;
}
