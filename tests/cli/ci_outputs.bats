#!/usr/bin/env bats
# JUnit and SARIF as the servers check them: the grammar that Jenkins, GitLab and others share, and what code scanning
# asks of each result. The grammar and the checks are written from their documentation.
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
    <xs:attribute name="name"/><xs:attributeGroup ref="counts"/>
  </xs:complexType></xs:element>
  <xs:attributeGroup name="counts">
    <xs:attribute name="tests" type="xs:nonNegativeInteger" use="required"/>
    <xs:attribute name="failures" type="xs:nonNegativeInteger"/>
    <xs:attribute name="errors" type="xs:nonNegativeInteger"/>
    <xs:attribute name="time" type="xs:decimal"/>
  </xs:attributeGroup>
  <xs:element name="testsuite"><xs:complexType>
    <xs:sequence><xs:element ref="testcase" minOccurs="0" maxOccurs="unbounded"/></xs:sequence>
    <xs:attribute name="name" use="required"/><xs:attributeGroup ref="counts"/>
    <xs:attribute name="skipped" type="xs:nonNegativeInteger"/>
    <xs:attribute name="timestamp" type="xs:dateTime"/><xs:attribute name="hostname"/>
  </xs:complexType></xs:element>
  <xs:element name="testcase"><xs:complexType>
    <xs:choice minOccurs="0"><xs:element ref="skipped"/><xs:element ref="failure"/></xs:choice>
    <xs:attribute name="name" use="required"/><xs:attribute name="classname" use="required"/>
    <xs:attribute name="time" type="xs:decimal"/>
  </xs:complexType></xs:element>
  <xs:element name="skipped"><xs:complexType><xs:attribute name="message"/></xs:complexType></xs:element>
  <xs:element name="failure"><xs:complexType mixed="true">
    <xs:attribute name="message"/><xs:attribute name="type"/>
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
    for level in /testsuites /testsuites/testsuite; do
        [ "$(xmllint --xpath "string($level/@tests)" o.xml)" = "$(count //testcase)" ]
        [ "$(xmllint --xpath "string($level/@failures)" o.xml)" = "$(count //failure)" ]
    done
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
