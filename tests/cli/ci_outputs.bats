#!/usr/bin/env bats
# JUnit and SARIF as the servers check them: the grammar that the schemas of Ant and of Jenkins' xUnit plugin both allow, and
# what code scanning asks of each result. The grammar and the checks are written from these.
load helper

setup_file() {
    cd "$BATS_FILE_TMPDIR" || exit
    local tidemark=${TIDEMARK:-${BUILD:-$BATS_TEST_DIRNAME/../../build}/tidemark}
    gcc -O1 -g -I"$BATS_TEST_DIRNAME/../../include" "$BATS_TEST_DIRNAME/../../samples/quickstart/quickstart.c" -o quickstart
    gcc -O1 -I"$BATS_TEST_DIRNAME/../../include" "$BATS_TEST_DIRNAME/../../samples/quickstart/quickstart.c" -o bare -s
    "$tidemark" record -q -o leak.tmk ./quickstart --leak >/dev/null
    "$tidemark" record -q -o clean.tmk ./quickstart >/dev/null
    "$tidemark" record -q -o bare.tmk ./bare --leak >/dev/null
    printf '[run]\nmax-live = 10k\nmax-rss = 1G\n[phase]\nmatch = requests\nwarn-max-live = 1k\nmin-rounds = 99\n' >rules.budget
    cat >junit.xsd <<'XSD'
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:element name="testsuites"><xs:complexType>
    <xs:sequence><xs:element ref="testsuite" minOccurs="0" maxOccurs="unbounded"/></xs:sequence>
  </xs:complexType></xs:element>
  <xs:simpleType name="seconds"><xs:restriction base="xs:decimal"><xs:fractionDigits value="3"/></xs:restriction></xs:simpleType>
  <xs:simpleType name="moment"><xs:restriction base="xs:dateTime"><xs:pattern value="[0-9-]{10}T[0-9:]{8}"/></xs:restriction></xs:simpleType>
  <xs:simpleType name="text"><xs:restriction base="xs:token"><xs:minLength value="1"/></xs:restriction></xs:simpleType>
  <xs:element name="testsuite"><xs:complexType>
    <xs:sequence>
      <xs:element ref="properties"/>
      <xs:element ref="testcase" minOccurs="0" maxOccurs="unbounded"/>
      <xs:element name="system-out" type="xs:string"/><xs:element name="system-err" type="xs:string"/>
    </xs:sequence>
    <xs:attribute name="name" type="text" use="required"/><xs:attribute name="package" type="text" use="required"/>
    <xs:attribute name="id" type="xs:nonNegativeInteger" use="required"/>
    <xs:attribute name="tests" type="xs:nonNegativeInteger" use="required"/>
    <xs:attribute name="failures" type="xs:nonNegativeInteger" use="required"/>
    <xs:attribute name="errors" type="xs:nonNegativeInteger" use="required"/>
    <xs:attribute name="skipped" type="xs:nonNegativeInteger"/>
    <xs:attribute name="time" type="seconds" use="required"/>
    <xs:attribute name="timestamp" type="moment" use="required"/><xs:attribute name="hostname" type="text" use="required"/>
  </xs:complexType></xs:element>
  <xs:element name="properties"><xs:complexType><xs:sequence>
    <xs:element name="property" minOccurs="0" maxOccurs="unbounded"><xs:complexType>
      <xs:attribute name="name" type="text" use="required"/><xs:attribute name="value" use="required"/>
    </xs:complexType></xs:element>
  </xs:sequence></xs:complexType></xs:element>
  <xs:element name="testcase"><xs:complexType>
    <xs:choice minOccurs="0"><xs:element ref="skipped"/><xs:element ref="failure"/></xs:choice>
    <xs:attribute name="name" type="xs:token" use="required"/><xs:attribute name="classname" type="xs:token" use="required"/>
    <xs:attribute name="time" type="xs:decimal" use="required"/>
  </xs:complexType></xs:element>
  <xs:element name="skipped"><xs:complexType><xs:attribute name="message"/></xs:complexType></xs:element>
  <xs:element name="failure"><xs:complexType mixed="true">
    <xs:attribute name="message"/><xs:attribute name="type" use="required"/>
  </xs:complexType></xs:element>
</xs:schema>
XSD
}

outputs() { # TRACE, options: writes o.xml and o.sarif
    local trace=$1
    shift
    both tidemark check -q "$BATS_FILE_TMPDIR/$trace" --junit o.xml --sarif o.sarif "$@"
}

count() { xmllint --xpath "string(count($1))" o.xml; }

whole_junit() {
    xmllint --noout --schema "$BATS_FILE_TMPDIR/junit.xsd" o.xml 2>xsd.log || { cat xsd.log; return 1; }
    [ "$(xmllint --xpath 'string(/testsuites/testsuite/@tests)' o.xml)" = "$(count //testcase)" ]
    [ "$(xmllint --xpath 'string(/testsuites/testsuite/@failures)' o.xml)" = "$(count //failure)" ]
    [ "$(xmllint --xpath 'string(/testsuites/testsuite/@skipped)' o.xml)" = "$(count //skipped)" ]
    [ "$(xmllint --xpath '//testcase/@name' o.xml | sort | uniq -d)" = "" ]
}

whole_sarif() {
    jq -e '.version == "2.1.0" and (.runs | length) == 1 and
        (.runs[0] | .tool.driver as $driver | ([$driver.rules[].id] | length == (unique | length)) and
         all(.results[]; (.message.text | length) > 0 and (.level | IN("error", "warning", "note")) and
             $driver.rules[.ruleIndex].id == .ruleId and (.locations | length) > 0 and
             all(.locations[]; (.physicalLocation.artifactLocation.uri | test("^[^ \\\\]+$")) and
                 (.physicalLocation.region.startLine >= 1))))' o.sarif >/dev/null || { jq . o.sarif; return 1; }
}

@test "a leak: one failure with site and stack, one error at its line" {
    outputs leak.tmk
    expect_status 10
    whole_junit
    whole_sarif
    [ "$(count '//testcase[@name="requests: no leak"]/failure')" -eq 1 ]
    [[ "$(xmllint --xpath 'string(//failure)' o.xml)" == *remember_visitor*quickstart.c:* ]]
    [ "$(jq -c '[.runs[0].results[] | [.ruleId, .level]]' o.sarif)" = '[["leak","error"]]' ]
    [[ "$(jq -r '.runs[0].results[0].locations[0].physicalLocation.artifactLocation.uri' o.sarif)" == *quickstart.c ]]
}

@test "a clean run: no failure, no result" {
    outputs clean.tmk
    expect_status 0
    whole_junit
    whole_sarif
    [ "$(count //failure)" -eq 0 ]
    [ "$(jq '.runs[0].results | length' o.sarif)" -eq 0 ]
}

@test "JUnit: a phase took as long as its rounds, the suite as long as the program" {
    tidemark check -q "$BATS_FILE_TMPDIR/clean.tmk" --junit o.xml --json o.json
    seconds() { xmllint --xpath "string($1/@time)" o.xml; }
    took() { jq -r "$1 | tostring" o.json; }
    [ "$(took '.phases[] | select(.name == "requests").duration_ns')" -gt 0 ]
    is_about() { awk -v s="$1" -v ns="$2" 'BEGIN { d = s - ns / 1e9; exit !(d < 1e-6 && d > -1e-6) }'; }
    is_about "$(seconds '//testcase[@name="requests: no leak"]')" \
        "$(took '.phases[] | select(.name == "requests").duration_ns')"
    ms=$(($(took '.processes[0].duration_ns') / 1000000))
    [ "$(seconds //testsuite)" = "$((ms / 1000)).$(printf '%03d' $((ms % 1000)))" ]
}

@test "rules: broken, kept, a warning, one that could not be judged" {
    outputs clean.tmk --budget "$BATS_FILE_TMPDIR/rules.budget"
    expect_status 11
    whole_junit
    whole_sarif
    [ "$(count '//testcase[@classname="budget"]')" -eq 4 ]
    [ "$(count '//testcase[@classname="budget"]/failure')" -eq 1 ]
    [ "$(count '//testcase[@classname="budget"]/skipped')" -eq 1 ]
    [ "$(jq -c '[.runs[0].results[].level]' o.sarif)" = '["error","warning"]' ]
}

@test "a program without debug information: its results are somewhere, too" {
    outputs bare.tmk
    expect_status 10
    whole_junit
    whole_sarif
    [ "$(jq '.runs[0].results | length' o.sarif)" -ge 1 ]
}

# A program whose file and phases have names that mean something in XML, JSON, Markdown, annotations and on terminals.
hostile() {
    cat >hostile.cpp <<'CPP'
#include <stdlib.h>
#include "tidemark.h"
static void *kept[1000];
static int count;
template <class T> struct Keep {
    __attribute__((noinline)) void operator<<(T value) { kept[count++] = malloc(100 + sizeof value); }
};
int main(int argc, char **argv) {
    const char *names[] = {"a<b>&\"'c", "line\nbreak\r::error::x", "cdata]]>end", "ctl\x01\x1b[31mred\x7f", "inv\xff\xfe\xc3(utf8",
                           "pipe|`code` *b* [l](u) <script>alert(1)</script> %0A,:"};
    for (const char *name : names)
        for (int i = 0; i < atoi(argv[1]); i++) {
            tidemark_phase_begin(name);
            Keep<const char *> keep;
            keep << "x";
            tidemark_value("v]]>\x02", 3);
            if (argc < 3) free(kept[--count]);
            tidemark_phase_end(name);
        }
}
CPP
    g++ -g -O0 -I "$ROOT/include" hostile.cpp -o $'ho<&>"\']]>%0A::st\nx'
}

valid_text() { # FILE...: UTF-8 without control characters but tab and line end
    iconv -f UTF-8 -t UTF-8 "$@" >/dev/null
    fails grep -aP '[\x00-\x08\x0b-\x1f\x7f]' "$@"
}

@test "names that would break a format break none: leaking, clean, not judged" {
    hostile
    local phase wanted
    for how in "12 leak 10" "12  0" "2  0"; do
        read -r rounds leak status_wanted <<<"${how/  / - }"
        "$TIDEMARK" record -q -o t.tmk $'./ho<&>"\']]>%0A::st\nx' "$rounds" ${leak#-}
        both tidemark check -q t.tmk --junit o.xml --sarif o.sarif --json o.json --github
        expect_status "$status_wanted"
        echo "$output" >o.github
        tidemark report t.tmk --markdown o.md --html o.html >o.txt
        whole_junit
        whole_sarif
        valid_text o.xml o.sarif o.json o.github o.md o.html o.txt
        [ "$(grep -vc '^::\(error\|warning\) ' o.github)" -eq "$([ -n "$output" ] && echo 0 || echo 1)" ]
        fails grep -q '<script>alert' o.md
        fails grep -q '<script>alert' o.html
        [ "$(count //testcase)" -eq 13 ]
        for phase in "a<b>&\"'c" "cdata]]>end"; do
            xmllint --xpath '//testcase/@name' o.xml | sed 's/&lt;/</g; s/&gt;/>/g; s/&quot;/"/g; s/&amp;/\&/g' | grep -qF "$phase: no leak"
        done
        case $rounds$leak in
        12leak) wanted="6 1 6" ;;
        12*) wanted="0 1 0" ;;
        2*) wanted="0 13 0" ;;
        esac
        [ "$(count //failure) $(count //skipped) $(jq '.runs[0].results | length' o.sarif)" = "$wanted" ]
        if [ "$rounds" -eq 2 ]; then grep -q 'nothing&#45;judged' o.md; fi
    done
}

@test "places are told as the server knows them: relative to its folder of sources" {
    (cd "$BATS_FILE_TMPDIR" && "$TIDEMARK" check -q leak.tmk --github) >o.github || true
    grep -q "^::error file=$ROOT/samples/quickstart/quickstart.c," o.github
    GITHUB_WORKSPACE=$ROOT "$TIDEMARK" check -q "$BATS_FILE_TMPDIR/leak.tmk" --github --sarif o.sarif >o.github || true
    grep -q '^::error file=samples/quickstart/quickstart.c,' o.github
    [ "$(jq -r '.runs[0].results[0].locations[0].physicalLocation.artifactLocation.uri' o.sarif)" = samples/quickstart/quickstart.c ]
    cd "$ROOT/samples" && "$TIDEMARK" check -q "$BATS_FILE_TMPDIR/leak.tmk" --github >"$BATS_TEST_TMPDIR/o.github" || true
    grep -q '^::error file=quickstart/quickstart.c,' "$BATS_TEST_TMPDIR/o.github"
}

@test "a job that fails because it could not be judged says so in each format" {
    outputs clean.tmk --min-rounds 50 --github
    expect_status 12
    whole_junit
    whole_sarif
    [[ "$(xmllint --xpath 'string(//testcase[@name="conclusive"]/skipped/@message)' o.xml)" == *"50 are asked for"* ]]
    [ "$(jq -c '[.runs[0].results[] | [.ruleId, .level]]' o.sarif)" = '[["inconclusive","warning"]]' ]
    expect_in "::warning title=inconclusive::requests has 20 rounds" "$output"
    printf '[phase]\nmatch = requests\nmin-rounds = 50\n' >rounds.budget
    outputs clean.tmk --budget rounds.budget
    expect_status 12
    [ "$(xmllint --xpath 'string(//testcase[@classname="budget"]/skipped/@message)' o.xml)" = "limit >= 50, measured 20" ]
}

@test "tests that ran once each are judged as rounds of their suite: the suite passes or fails, they are told as its rounds" {
    program suite <<'C'
#include <stdlib.h>
#include "tidemark.h"
int main(void) {
    static const char *const names[] = {"one", "two", "three", "four", "five", "six", "seven"};
    tidemark_phase_begin("suite");
    for (int i = 0; i < 7; i++) {
        tidemark_phase_begin(names[i]);
        free(malloc(100));
        tidemark_phase_end(names[i]);
    }
    tidemark_phase_end("suite");
    return 0;
}
C
    tidemark record -q -o "$BATS_FILE_TMPDIR/suite.tmk" ./suite
    outputs suite.tmk
    expect_status 0
    whole_junit
    [ "$(count '//testcase[@name="suite: no leak"]/*')" -eq 0 ]
    [ "$(count '//testcase/skipped[@message="judged with its siblings, as a round of their parent"]')" -eq 7 ]
}
